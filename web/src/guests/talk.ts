import { el, setAttributes } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../texts";
import type { Said } from "./messages";
import { nameOf } from "./people";
import type { Room } from "./room";

const LONGEST = "1000";

/** What is said in the room, and the field to say more. */
export class Talk {
  readonly root: HTMLElement;
  private readonly log: HTMLElement;
  private readonly input: HTMLTextAreaElement;
  private readonly form: HTMLFormElement;

  constructor(
    private readonly translate: Translate,
    private readonly room: Room,
  ) {
    const label = translate("togetherLog");
    const attributes = { class: "talk-log", role: "log", "aria-label": label, tabindex: "0" };
    this.log = el("div", attributes);
    this.input = el("textarea", {
      rows: "1",
      maxlength: LONGEST,
      enterkeyhint: "send",
      autocomplete: "off",
      "aria-label": translate("togetherMessage"),
    });
    this.form = this.createForm();
    this.root = el("section", { class: "talk" }, this.log, this.form);
    this.show([]);
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  update(): void {
    const [other] = this.room.others;
    const placeholder =
      other && this.room.others.length === 1
        ? this.translate("togetherPlaceholder", { name: nameOf(other, this.translate) })
        : this.translate("togetherPlaceholderAll");
    setAttributes(this.input, { placeholder });
  }

  /** All that was said, anew. */
  show(said: readonly Said[]): void {
    const nothing = el("p", { class: "quiet" }, this.translate("togetherNothing"));
    this.log.replaceChildren(
      ...(said.length > 0 ? said.map((each) => this.line(each)) : [nothing]),
    );
    this.scrollToEnd();
  }

  /** One more line; a reader hears this one only. */
  add(said: Said): void {
    this.log.querySelector(".quiet")?.remove();
    this.log.append(this.line(said));
    this.scrollToEnd();
  }

  scrollToEnd(): void {
    this.log.scrollTop = this.log.scrollHeight;
  }

  private line(said: Said): HTMLElement {
    const isOwn = this.room.isOwn(said);
    const name = isOwn ? this.translate("togetherYou") : nameOf(said, this.translate);
    const speaker = el("span", { class: isOwn ? "for-readers" : "speaker" }, `${name}: `);
    return el(
      "p",
      { class: "line", "data-own": isOwn },
      speaker,
      el("span", { class: "words" }, said.text),
    );
  }

  private createForm(): HTMLFormElement {
    const label = this.translate("send");
    const attributes = { type: "submit", class: "ask", "aria-label": label, title: label };
    const form = el(
      "form",
      { class: "composer" },
      this.input,
      el("button", attributes, icon("send")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.room.say(this.input.value)) {
        this.input.value = "";
      }
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    return form;
  }
}
