import { button, el } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../texts";
import type { Person } from "./messages";
import type { Room } from "./room";

/** What somebody is called, in words. */
export function nameOf({ name, role }: Pick<Person, "name" | "role">, t: Translate): string {
  return name || t(role === "visitor" ? "togetherVisitor" : "togetherGuest");
}

/** Who is in the room, who steers, and what the visitor can do about it. */
export class PeopleList {
  readonly root: HTMLElement;

  constructor(
    private readonly translate: Translate,
    private readonly room: Room,
  ) {
    this.root = el("ul", { class: "people", "aria-label": translate("togetherPeople") });
  }

  update(): void {
    const people = this.room.state?.people ?? [];
    this.root.hidden = people.length < 2;
    this.root.replaceChildren(...people.map((each) => this.row(each)));
  }

  private row(person: Person): HTMLElement {
    const name = nameOf(person, this.translate);
    const isYou = person.id === this.room.state?.you;
    const steers = person.id === this.room.state?.holder;
    const notes = [
      isYou ? this.translate("togetherYou") : undefined,
      person.isHere ? undefined : this.translate("togetherAway"),
      steers ? this.translate("togetherSteers") : undefined,
    ].filter((each) => each !== undefined);
    const about = el(
      "div",
      { class: "person-about" },
      el("p", { class: "person-name" }, name),
      notes.length > 0 ? el("p", { class: "person-notes" }, notes.join(" · ")) : undefined,
    );
    const mark = el("div", { class: "person-mark", "aria-hidden": "true" }, initial(name));
    const attributes = { class: "person", "data-steers": steers, "data-away": !person.isHere };
    const acts = isYou ? [] : [this.handOver(person, name), this.remove(person, name)];
    return el("li", attributes, mark, about, ...acts);
  }

  /** With one guest the banner has the button for it. */
  private handOver(person: Person, name: string): HTMLElement | undefined {
    const isChoice = !this.room.isGuest && this.room.others.length > 1;
    if (!isChoice || !person.isHere || person.id === this.room.state?.holder) {
      return undefined;
    }
    const label = this.translate("togetherHandOverTo", { name });
    const words = this.translate("togetherHandOverShort");
    return button(
      { class: "again", "aria-label": label },
      () => this.room.grant(person.id),
      words,
    );
  }

  /** Sends a guest away, which takes the invitation back. */
  private remove(person: Person, name: string): HTMLElement | undefined {
    const invitation = this.room.invitationOf(person);
    if (this.room.isGuest || invitation === undefined) {
      return undefined;
    }
    const label = this.translate("togetherRemove", { name });
    const attributes = { class: "icon-button small", "aria-label": label, title: label };
    return button(attributes, () => this.room.revoke(invitation.id), icon("close"));
  }
}

function initial(name: string): string {
  return [...name].slice(0, 1).join("").toUpperCase();
}
