import type { TextKey } from "../texts";

/** Why a link or a seat leads in no more, in the server's word for it. */
export class Refused extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** As much of the browser as an entry uses. */
export interface Doorstep {
  readonly hash: string;
  /** What this entry of the browser's history remembers: a reload keeps it, a new visit does not. */
  readonly memory: unknown;
  /** Remembers `memory` and takes the link out of the address. */
  remember(memory: object | null): void;
  /** Brings a token to the server. */
  exchange(token: string): Promise<Response>;
}

const REFUSALS: Readonly<Record<string, TextKey>> = {
  bad_invite: "guestBadLink",
  invite_expired: "guestExpired",
  invite_revoked: "guestRevoked",
  invite_over: "guestOver",
  invite_used: "guestUsed",
  not_offered: "guestNotOffered",
};

const LASTING = new Set(Object.keys(REFUSALS));
const LINK = /[#&]invite=([^&]+)/;

/** What the page says about a refusal. */
export function textOfRefusal(code: string): TextKey {
  return REFUSALS[code] ?? "guestBadLink";
}

/**
 * A guest's way in. The link's token stands behind `#`, which browsers send to nobody; it is taken
 * out of the address at once and exchanged for a pass, with which the socket opens.
 */
export class Entry {
  private constructor(
    private readonly doorstep: Doorstep,
    private token: string,
  ) {}

  /** The way in of a page that was opened by a link, or reloaded after that. */
  static at(doorstep: Doorstep): Entry | undefined {
    const invited = LINK.exec(doorstep.hash)?.[1];
    const token = invited ?? passIn(doorstep.memory);
    if (token === undefined) {
      return undefined;
    }
    doorstep.remember({ guest: token });
    return new Entry(doorstep, token);
  }

  /** Whether the part of an address behind `#` is an invitation. */
  static isAt(hash: string): boolean {
    return LINK.test(hash);
  }

  /** The subprotocols of the guest's socket: a pass is no part of its address. */
  get protocols(): string[] {
    return ["guest", this.token];
  }

  /** Exchanges what there is for a pass, or sees whether the pass is still good. */
  async enter(): Promise<void> {
    const response = await this.doorstep.exchange(this.token);
    const answer: unknown = await response.json().catch(() => ({}));
    const { pass, error } = answer as { pass?: unknown; error?: { code?: unknown } };
    if (response.ok && typeof pass === "string") {
      this.token = pass;
      this.doorstep.remember({ guest: pass });
      return;
    }
    const code = String(error?.code ?? "");
    if (LASTING.has(code)) {
      throw new Refused(code);
    }
    throw new Error(`status ${response.status}`); // too many at once, a restart: again later
  }

  /** The visit is over: a reload shows the page as everybody sees it. */
  forget(): void {
    this.doorstep.remember(null);
  }
}

function passIn(memory: unknown): string | undefined {
  const { guest } = (memory ?? {}) as { guest?: unknown };
  return typeof guest === "string" ? guest : undefined;
}

/** The link to share: the page's own address without anything private, and the token behind `#`. */
export function linkTo(
  page: { readonly origin: string; readonly pathname: string },
  token: string,
): string {
  return `${page.origin}${page.pathname}#invite=${token}`;
}

/** The doorstep of this browser tab. */
export function ownDoorstep(): Doorstep {
  return {
    hash: location.hash,
    memory: history.state as unknown,
    remember: (memory) => history.replaceState(memory, "", location.pathname + location.search),
    exchange: (token) =>
      fetch("api/guests", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token }),
      }),
  };
}
