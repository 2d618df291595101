import { el } from "../dom";
import type { Warning } from "../place";
import type { Translate } from "../texts";

const SECOND = 1000;

/** One line above the control bar that counts down to the end of the session. */
export class Ending {
  readonly root = el("p", { class: "notice", role: "alert", hidden: true });
  private readonly words = el("span", {});
  private readonly clock = el("span", { class: "ending-clock", "aria-live": "off" });
  private shown: Warning | undefined;
  private ticking: number | undefined;

  constructor(private readonly translate: Translate) {
    this.root.append(this.words, this.clock);
  }

  /** Counts down to `warning`; `undefined` takes it back. */
  show(warning: Warning | undefined): void {
    if (warning === this.shown) {
      return;
    }
    this.shown = warning;
    window.clearInterval(this.ticking);
    this.root.hidden = warning === undefined;
    if (warning) {
      this.words.textContent = this.translate(warning.isIdle ? "endingIdle" : "endingDuration");
      this.tick(warning);
      this.ticking = window.setInterval(() => this.tick(warning), SECOND / 4);
    }
  }

  private tick({ at }: Warning): void {
    const seconds = Math.max(0, Math.ceil((at - Date.now()) / SECOND));
    this.clock.textContent = this.translate("endingIn", { seconds });
  }
}
