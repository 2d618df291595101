import { button, el } from "../dom";
import { icon } from "../icons";
import type { TextKey, Translate } from "../texts";
import type { Person } from "./messages";
import { nameOf } from "./people";
import type { Room } from "./room";

interface Words {
  readonly text: string;
  readonly action?: readonly [TextKey, () => void] | undefined;
  readonly isUrgent?: boolean;
}

/** A line above the picture: who looks along, who steers, and the way to change that. */
export class Banner {
  readonly root = el("div", { class: "banner", hidden: true });
  private readonly words = el("p", { role: "status" });
  private readonly action: HTMLButtonElement;
  private act: () => void = () => {};

  constructor(
    private readonly translate: Translate,
    private readonly room: Room,
  ) {
    this.action = button({ class: "banner-action" }, () => this.act());
    this.root.append(icon("people"), this.words, this.action);
  }

  update(): void {
    const words = this.room.isGuest ? this.forGuest() : this.forVisitor();
    this.root.hidden = words === undefined;
    this.root.toggleAttribute("data-urgent", words?.isUrgent === true);
    if (this.words.textContent !== (words?.text ?? "")) {
      this.words.textContent = words?.text ?? "";
    }
    this.offer(words?.action);
  }

  private offer(action: Words["action"]): void {
    this.action.hidden = action === undefined;
    if (action) {
      const [text, act] = action;
      this.action.textContent = this.translate(text);
      this.act = act;
    }
  }

  private forVisitor(): Words | undefined {
    const { room } = this;
    const guests = room.others;
    const [first] = guests;
    if (first === undefined) {
      return undefined;
    }
    const holder = guests.find(({ id }) => id === room.state?.holder);
    if (holder) {
      const text = this.say("togetherSteersNamed", holder);
      return { text, action: ["togetherTake", () => room.take()], isUrgent: true };
    }
    const names = guests.map((each) => nameOf(each, this.translate)).join(", ");
    const ready = guests.length === 1 && first.isHere ? first : undefined;
    const text = this.translate("togetherHere", { name: names });
    return { text, action: ready && ["togetherHandOver", () => room.grant(ready.id)] };
  }

  private forGuest(): Words | undefined {
    const { room, translate } = this;
    if (room.state === undefined) {
      return undefined;
    }
    if (room.hasInput) {
      const action = ["togetherGive", () => room.giveBack()] as const;
      return { text: translate("togetherYouSteer"), action, isUrgent: true };
    }
    const name = room.state.visitor;
    const text = name ? translate("togetherWith", { name }) : translate("togetherWithVisitor");
    return { text };
  }

  private say(text: TextKey, person: Person): string {
    return this.translate(text, { name: nameOf(person, this.translate) });
  }
}
