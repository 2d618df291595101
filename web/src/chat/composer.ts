import { el, setAttributes } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../texts";

/** What the field does. */
export interface ComposerActions {
  /** Asks; false when nothing was asked, so that the words stay. */
  ask(text: string): boolean;
  cancel(): void;
}

const LONGEST_QUESTION = "1000";

/** The field for a question, and the button that sends it or stops the answer. */
export class Composer {
  readonly root: HTMLFormElement;
  private readonly input: HTMLTextAreaElement;
  private readonly submit: HTMLButtonElement;
  private isBusy = false;

  constructor(
    private readonly translate: Translate,
    private readonly actions: ComposerActions,
  ) {
    this.input = el("textarea", {
      rows: "1",
      maxlength: LONGEST_QUESTION,
      enterkeyhint: "send",
      autocomplete: "off",
      placeholder: translate("chatPlaceholder"),
      "aria-label": translate("chatMessage"),
    });
    this.submit = el("button", { type: "submit", class: "ask" });
    this.root = el("form", { class: "composer" }, this.input, this.submit);
    this.root.addEventListener("submit", (event) => this.submitted(event));
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.showBusy(false);
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  /** While an answer runs the button stops it. */
  showBusy(isBusy: boolean): void {
    if (isBusy === this.isBusy && this.submit.hasChildNodes()) {
      return;
    }
    this.isBusy = isBusy;
    const label = this.translate(isBusy ? "chatStop" : "chatSend");
    setAttributes(this.submit, { "aria-label": label, title: label, "data-busy": isBusy });
    this.submit.replaceChildren(icon(isBusy ? "stop" : "send"));
  }

  private submitted(event: Event): void {
    event.preventDefault();
    if (this.isBusy) {
      this.actions.cancel();
    } else if (this.actions.ask(this.input.value)) {
      this.input.value = "";
    }
  }

  /** Enter sends; the Enter that completes a syllable or word of Korean does not. */
  private pressed(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!this.isBusy) {
        this.root.requestSubmit();
      }
    }
  }
}
