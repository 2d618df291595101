import { button, el } from "../dom";
import { icon } from "../icons";
import { waitText } from "../place";
import type { Phase } from "../session";
import type { TextKey, Translate } from "../texts";

/** What the visitor can do from the overlay. */
export interface OverlayActions {
  play(): void;
  retry(): void;
  pick(id: string): void;
}

/** What the overlay shows in one phase. */
interface Screen {
  readonly visual: "spinner" | "pause" | "none" | HTMLElement;
  readonly title: string;
  readonly hint?: string | undefined;
  readonly action?: HTMLElement | undefined;
  readonly choices?: readonly string[];
  /** Stands above the choices when the title does not say what they are. */
  readonly choicesTitle?: string;
}

const SECOND = 1000;

/** The card over the picture that says, in words, why there is no moving one. */
export class Overlay {
  readonly root = el("section", { class: "overlay", hidden: true });
  private readonly status = el("div", { class: "overlay-status", role: "status" });
  private readonly extras = el("div", { class: "overlay-extras" });
  private shown = "";
  private ticking: number | undefined;

  constructor(
    private readonly translate: Translate,
    private readonly actions: OverlayActions,
  ) {
    this.root.append(el("div", { class: "card" }, this.status, this.extras));
  }

  show(phase: Phase): void {
    const fingerprint = JSON.stringify(phase);
    if (fingerprint === this.shown) {
      return; // a list that did not change must not take the focus away
    }
    this.shown = fingerprint;
    window.clearInterval(this.ticking);
    const screen = phase.name === "playing" ? undefined : this.screenOf(phase);
    this.root.hidden = screen === undefined;
    if (screen) {
      this.render(screen);
    }
  }

  private render({ visual, title, hint, action, choices, choicesTitle }: Screen): void {
    this.status.replaceChildren(
      ...pictureOf(visual),
      el("h1", {}, title),
      ...(hint ? [el("p", {}, hint)] : []),
    );
    const list = choices && choices.length > 0 ? [this.choices(choices, choicesTitle)] : [];
    this.extras.replaceChildren(...list, ...(action ? [action] : []));
  }

  private screenOf(phase: Exclude<Phase, { name: "playing" }>): Screen {
    const { translate } = this;
    switch (phase.name) {
      case "connecting":
        return { visual: "spinner", title: translate("connecting") };
      case "starting":
        return { visual: "spinner", title: translate("starting", { name: phase.streamer }) };
      case "choosing":
        return this.choosing(phase.streamers);
      case "waiting":
        return this.waiting(phase);
      case "queued":
        return this.queued(phase);
      case "awaiting":
        return this.awaiting();
      case "blocked":
        return this.blocked();
      case "reconnecting":
        return this.reconnecting(phase);
      case "ended":
        return this.ended(phase);
    }
  }

  private choosing(choices: readonly string[]): Screen {
    const { translate } = this;
    return {
      visual: "none",
      title: translate("choosing"),
      hint: translate("choosingHint"),
      choices,
    };
  }

  private waiting(phase: Phase & { name: "waiting" }): Screen {
    const { translate } = this;
    const name = phase.wanted;
    const choicesTitle = translate("otherStreamers");
    const base = { visual: "spinner", choices: phase.others, choicesTitle } as const;
    if (name === undefined) {
      return { ...base, title: translate("waiting"), hint: translate("waitingHint") };
    }
    if (phase.problem === "") {
      const title = translate("waitingFor", { name });
      return { ...base, title, hint: translate("waitingForHint") };
    }
    const problem = phase.problem.replace(/\.$/, "");
    const hint = translate("waitingRefusedHint", { problem });
    return { ...base, title: translate("waitingRefused", { name }), hint };
  }

  /** The waiting room: the place as a large number, who else waits, and for how long. */
  private queued({ position, length, etaSeconds }: Phase & { name: "queued" }): Screen {
    const { translate } = this;
    const wait = waitText(etaSeconds);
    const others = translate("queuedOf", { length });
    const time = translate(wait.text, wait.values);
    return {
      visual: el("div", { class: "place", "aria-hidden": "true" }, String(position)),
      title: position === 1 ? translate("queuedNext") : translate("queued", { position }),
      hint: length > 1 ? `${others}\n${time}` : time,
      action: el("p", { class: "countdown" }, translate("queuedHint")),
    };
  }

  /** A guest whose visitor is not there. */
  private awaiting(): Screen {
    const { translate } = this;
    const hint = translate("guestWaitingHint");
    return { visual: "pause", title: translate("guestWaiting"), hint };
  }

  private blocked(): Screen {
    const { translate } = this;
    const label = translate("play");
    return {
      visual: "none",
      title: translate("blocked"),
      hint: translate("blockedHint"),
      action: button(
        { class: "big-play", "aria-label": label },
        () => this.actions.play(),
        icon("play"),
      ),
    };
  }

  private reconnecting({ at, text, detail }: Phase & { name: "reconnecting" }): Screen {
    const { translate } = this;
    const countdown = el("p", { class: "countdown", role: "timer", "aria-live": "off" });
    const tick = (): void => {
      const seconds = Math.max(1, Math.ceil((at - Date.now()) / SECOND));
      countdown.textContent = translate("retryIn", { seconds });
    };
    tick();
    this.ticking = window.setInterval(tick, SECOND / 4);
    const retry = this.primary("retryNow", () => this.actions.retry());
    const action = el("div", { class: "retry" }, countdown, retry);
    return {
      visual: "pause",
      title: translate("reconnecting"),
      hint: this.reason(text, detail),
      action,
    };
  }

  private ended({ text, detail, title }: Phase & { name: "ended" }): Screen {
    const { translate } = this;
    return {
      visual: "none",
      title: translate(title ?? "endedTitle"),
      hint: this.reason(text, detail),
      action: title ? undefined : this.primary("joinAgain", () => this.actions.retry()),
    };
  }

  /** What happened, with the server's or streamer's own words if it gave some. */
  private reason(text: TextKey, reason: string): string {
    const detail = reason === "" ? "" : ` ${this.translate("endedDetail", { reason })}`;
    return this.translate(text) + detail;
  }

  private primary(text: TextKey, onClick: () => void): HTMLElement {
    return button({ class: "primary" }, onClick, this.translate(text));
  }

  private choices(names: readonly string[], title?: string): HTMLElement {
    const list = el("ul", { class: "choices", "aria-label": this.translate("otherStreamers") });
    for (const name of names) {
      const pick = (): void => this.actions.pick(name);
      const content = [icon("screen"), el("span", {}, name)];
      list.append(el("li", {}, button({ class: "choice" }, pick, ...content)));
    }
    return el("div", { class: "choices-box" }, title && el("h2", {}, title), list);
  }
}

function pictureOf(visual: Screen["visual"]): readonly HTMLElement[] {
  if (visual === "none") {
    return [];
  }
  return [
    typeof visual === "string" ? el("div", { class: visual, "aria-hidden": "true" }) : visual,
  ];
}
