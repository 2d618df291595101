import { button, el } from "../dom";
import type { TextRequest } from "../player";
import type { Translate } from "../texts";

/** A field for typing into the scene's text box: phones have no other keyboard. */
export class TextEntry {
  readonly root: HTMLFormElement;
  private readonly input: HTMLInputElement;

  constructor(
    translate: Translate,
    private readonly onText: (text: string) => void,
  ) {
    const label = translate("textEntry");
    this.input = el("input", { type: "text", "aria-label": label, autocomplete: "off" });
    this.root = el("form", { class: "text-entry", "aria-label": label, hidden: true });
    const cancel = button({ class: "secondary" }, () => this.hide(), translate("cancel"));
    const send = el("button", { type: "submit", class: "primary" }, translate("send"));
    this.root.append(this.input, cancel, send);
    this.input.addEventListener("keydown", (event) => this.keepRelease(event));
    this.root.addEventListener("submit", (event) => this.submit(event));
  }

  show({ showOnScreenKeyboard, contents }: TextRequest): void {
    this.root.hidden = !showOnScreenKeyboard;
    if (showOnScreenKeyboard) {
      this.input.value = contents;
      this.input.focus();
      this.input.select();
    }
  }

  hide(): void {
    this.root.hidden = true;
  }

  /** Enter sends and hides the field; its release would go to the scene as a key of its own. */
  private keepRelease({ key }: KeyboardEvent): void {
    if (key === "Enter") {
      const keep = (event: Event): void => event.stopImmediatePropagation();
      window.addEventListener("keyup", keep, { capture: true, once: true });
    }
  }

  private submit(event: Event): void {
    event.preventDefault();
    this.onText(this.input.value);
    this.hide();
  }
}
