import { el } from "../dom";
import type { Player } from "../player";
import type { Session } from "../session";
import type { TextKey, Translate } from "../texts";
import type { SidePanel } from "../view/panel";
import { Banner } from "./banner";
import type { Entry } from "./entry";
import { Inviting } from "./inviting";
import type { Invitation, Raw, Said } from "./messages";
import { PeopleList } from "./people";
import { Room, type RoomScreen } from "./room";
import { Talk } from "./talk";

/** The offer's name in the side panel. */
const ID = "together";

/** What a partner's card asks for; `detail` is `{id, name}`. */
export const INVITE_PARTNER = "invitepartner";

const OURS = ["inviteRequest", "inviteRevoke", "roomMessage", "inputGrant", "inputTake"];

const ENDS: Readonly<Record<string, TextKey>> = {
  revoked: "guestEndRevoked",
  left: "guestEndLeft",
  taken_over: "guestEndTaken",
};

/** A visitor's room, or the one a guest came into: joins it with player, session and views. */
export class Guests implements RoomScreen {
  readonly banner: Banner;
  private readonly room: Room;
  private readonly people: PeopleList;
  private readonly inviting: Inviting;
  private readonly talk: Talk;
  private isOffered = false;
  private hadRoom = false;

  constructor(
    private readonly player: Player,
    private readonly session: Session,
    private readonly panel: SidePanel,
    private readonly translate: Translate,
    private readonly entry: Entry | undefined,
  ) {
    this.room = new Room(player, this, entry !== undefined);
    this.banner = new Banner(translate, this.room);
    this.people = new PeopleList(translate, this.room);
    this.inviting = new Inviting(translate, this.room);
    this.talk = new Talk(translate, this.room);
    this.listen();
    if (entry) {
      document.documentElement.dataset.guest = "";
      this.changed();
    }
  }

  // RoomScreen

  changed(): void {
    const { room } = this;
    this.player.letInput(room.hasInput);
    this.people.update();
    this.inviting.update();
    this.inviting.root.hidden = room.isGuest;
    this.talk.root.hidden = !room.isGuest && room.state === undefined;
    this.talk.update();
    this.banner.update();
    if (room.state && !room.isGuest) {
      this.hadRoom = true;
      rememberRoom(room.state.invitations.length > 0);
    }
    if (room.state && room.isGuest) {
      this.offer();
      this.session.follow(room.state.streamerId);
    }
  }

  told(said: readonly Said[], latest: Said | undefined): void {
    if (latest) {
      this.talk.add(latest);
      this.panel.mark(ID, !this.panel.isShown(ID));
    } else {
      this.talk.show(said);
    }
  }

  invited(invitation: Invitation, token: string): void {
    this.inviting.made(invitation, token);
  }

  failed(of: string, code: string): void {
    if (of === "roomOpen") {
      this.hadRoom = false;
      rememberRoom(false);
    } else if (OURS.includes(of)) {
      this.inviting.failed(code);
    }
  }

  private listen(): void {
    const { player, room } = this;
    player.on<Raw>("roomState", (raw) => room.hear(raw));
    player.on<Raw>("inputHolder", (raw) => room.heardHolder(raw));
    player.on<Raw>("roomMessage", (raw) => room.heardSaid(raw));
    player.on<Raw>("roomHistory", (raw) => room.heardHistory(raw));
    player.on<Raw>("invite", (raw) => room.heardInvite(raw));
    player.on<Raw>("error", (raw) => room.heardError(raw));
    player.on<Raw>("roomEnded", ({ reason }) => this.ended(String(reason)));
    player.onOpen(() => void this.opened());
    player.onLost((isForGood) => (isForGood ? room.closed() : room.lost()));
    document.addEventListener(INVITE_PARTNER, (event) => this.invitePartner(event));
  }

  private async opened(): Promise<void> {
    if (this.entry) {
      return; // the player asks, since a guest's place is its room
    }
    if (!this.isOffered) {
      this.inviting.most = await guestsAllowed();
      if (this.inviting.most > 0) {
        document.documentElement.dataset.invites = "";
        this.offer();
      }
    }
    if (this.isOffered && (this.hadRoom || hadRoomBefore())) {
      this.room.open();
    }
  }

  private offer(): void {
    if (this.isOffered) {
      return;
    }
    this.isOffered = true;
    this.changed();
    this.panel.offer({
      id: ID,
      title: this.translate("togetherTitle"),
      icon: "people",
      mount: (room) => this.mount(room),
      opened: () => this.shown(),
    });
  }

  private mount(room: HTMLElement): void {
    const top = el("div", { class: "together-top" }, this.people.root, this.inviting.root);
    room.append(top, this.talk.root);
  }

  private shown(): void {
    this.panel.mark(ID, false);
    this.talk.scrollToEnd();
    if (this.room.others.length > 0 && window.matchMedia("(hover: hover)").matches) {
      this.talk.focus();
    }
  }

  private invitePartner(event: Event): void {
    const { id, name } = (event as CustomEvent<{ id: string; name: string }>).detail;
    this.panel.open(ID);
    this.inviting.invite(name.slice(0, 64), id.slice(0, 64));
  }

  private ended(reason: string): void {
    this.entry?.forget();
    this.panel.withdraw(ID);
    this.session.dismiss(ENDS[reason] ?? "guestEndSession", "guestEndTitle");
  }
}

/** How many guests the server lets a visitor have; asked over HTTP, since a stock server knows no such message. */
async function guestsAllowed(): Promise<number> {
  try {
    const response = await fetch("api/guests", { headers: { Accept: "application/json" } });
    const answer: unknown = response.ok ? await response.json() : {};
    const { guestsPerVisitor } = (answer ?? {}) as { guestsPerVisitor?: unknown };
    return typeof guestsPerVisitor === "number" ? guestsPerVisitor : 0;
  } catch {
    return 0;
  }
}

const ROOM_KEY = "pixelstreaming.room";

/** A reload comes back to its room; kept for this tab only. */
function rememberRoom(isOpen: boolean): void {
  try {
    if (isOpen) {
      window.sessionStorage.setItem(ROOM_KEY, "1");
    } else {
      window.sessionStorage.removeItem(ROOM_KEY);
    }
  } catch {
    // forbidden here: the room lasts as long as the page
  }
}

function hadRoomBefore(): boolean {
  try {
    return window.sessionStorage.getItem(ROOM_KEY) === "1";
  } catch {
    return false;
  }
}
