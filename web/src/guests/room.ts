import {
  historyOf,
  type Invitation,
  invitationOf,
  type Person,
  type Raw,
  type RoomState,
  type Said,
  saidOf,
  stateOf,
  text,
} from "./messages";

/** The way to the server, as a room uses it. */
export interface RoomLink {
  send(message: { readonly type: string }): void;
}

/** What a room tells the page. */
export interface RoomScreen {
  /** Who is here, who steers, or what is open has changed. */
  changed(): void;
  /** All that was said, anew; `latest` when one message was added. */
  told(said: readonly Said[], latest: Said | undefined): void;
  /** A link was made. */
  invited(invitation: Invitation, token: string): void;
  /** The server refused a message of the type `of`. */
  failed(of: string, code: string): void;
}

const KEPT = 200;

/** What the visitor and the guests share beside the picture: who is here, who steers, what is said. */
export class Room {
  state: RoomState | undefined;
  private said: readonly Said[] = [];
  private lastId = 0;

  constructor(
    private readonly link: RoomLink,
    private readonly screen: RoomScreen,
    /** Whether this page came by an invitation. */
    readonly isGuest: boolean,
  ) {}

  /** Whether this page may send input: a visitor always, until it was handed over. */
  get hasInput(): boolean {
    if (this.state === undefined) {
      return !this.isGuest;
    }
    return this.state.holder === this.state.you || (!this.isGuest && !this.isSteered);
  }

  /** Everybody else in the room. */
  get others(): readonly Person[] {
    return this.state?.people.filter(({ id }) => id !== this.state?.you) ?? [];
  }

  /** The invitation that `person` came by, as the visitor knows it. */
  invitationOf({ id }: Person): Invitation | undefined {
    return this.state?.invitations.find(({ personId }) => personId === id);
  }

  /** Whether somebody else steers. */
  private get isSteered(): boolean {
    return this.others.some(({ id }) => id === this.state?.holder);
  }

  // The server's messages.

  hear(raw: Raw): void {
    this.state = stateOf(raw);
    this.screen.changed();
  }

  heardHolder(raw: Raw): void {
    this.hold(text(raw.playerId));
  }

  heardSaid(raw: Raw): void {
    const latest = saidOf(raw);
    this.said = [...this.said, latest].slice(-KEPT);
    this.screen.told(this.said, latest);
  }

  heardHistory(raw: Raw): void {
    this.said = historyOf(raw);
    this.screen.told(this.said, undefined);
  }

  heardInvite(raw: Raw): void {
    this.screen.invited(invitationOf(raw), text(raw.token));
  }

  heardError(raw: Raw): void {
    this.screen.failed(text(raw.of), text(raw.code));
  }

  /** The connection is gone or broken: a guest steers no more, whatever comes. */
  lost(): void {
    if (this.isGuest) {
      this.hold("");
    }
  }

  /** A visitor without a connection is alone until the server says otherwise. */
  closed(): void {
    this.lost();
    if (!this.isGuest) {
      this.state = undefined;
      this.screen.changed();
    }
  }

  // What the people of this page do.

  invite(name: string, visitor: string, partnerId = ""): void {
    const message = { type: "inviteRequest", partnerId, name, visitor };
    this.link.send(message);
  }

  revoke(id: string): void {
    const message = { type: "inviteRevoke", id };
    this.link.send(message);
  }

  /** Comes back to the room that an earlier connection left. */
  open(): void {
    this.link.send({ type: "roomOpen" });
  }

  say(words: string): boolean {
    const message = { type: "roomMessage", id: this.newId(), text: words.trim() };
    if (message.text !== "") {
      this.link.send(message);
    }
    return message.text !== "";
  }

  grant(to: string): void {
    const message = { type: "inputGrant", to };
    this.link.send(message);
  }

  /** The visitor steers again, at once: the message may take its time. */
  take(): void {
    this.link.send({ type: "inputTake" });
    this.hold(this.state?.you ?? "");
  }

  /** A guest gives the input back. */
  giveBack(): void {
    const visitor = this.others.find(({ role }) => role === "visitor");
    if (visitor) {
      this.grant(visitor.id);
    }
    this.lost();
  }

  /** Whether this page's person said it: ids change with each connection, the visitor does not. */
  isOwn({ personId, role }: Said): boolean {
    return personId === this.state?.you || (role === "visitor" && !this.isGuest);
  }

  private hold(holder: string): void {
    if (this.state) {
      this.state = { ...this.state, holder };
      this.screen.changed();
    }
  }

  private newId(): string {
    this.lastId += 1;
    return String(this.lastId);
  }
}
