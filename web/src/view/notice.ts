import { el } from "../dom";
import type { TextKey, Translate } from "../texts";

/** How long something is said that needs no answer. */
const FLASH_MS = 6000;

/** One line above the control bar, for what the visitor should know while the picture runs. */
export class Notice {
  readonly root = el("p", { class: "notice", role: "status", hidden: true });
  private lasting: TextKey | undefined;
  private flashing: TextKey | undefined;

  constructor(private readonly translate: Translate) {}

  /** Says `text` until told otherwise; `undefined` takes it back. */
  say(text: TextKey | undefined): void {
    if (text !== this.lasting) {
      this.lasting = text;
      this.show();
    }
  }

  /** Says `text` for a few seconds. */
  flash(text: TextKey): void {
    this.flashing = text;
    this.show();
    window.setTimeout(() => {
      this.flashing = undefined;
      this.show();
    }, FLASH_MS);
  }

  private show(): void {
    const text = this.flashing ?? this.lasting;
    this.root.hidden = text === undefined;
    this.root.textContent = text ? this.translate(text) : "";
  }
}
