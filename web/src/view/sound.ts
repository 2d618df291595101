import { button, el } from "../dom";
import { icon } from "../icons";
import type { Player } from "../player";
import type { SettingsStore } from "../settings";
import type { Translate } from "../texts";

/**
 * Sound: the button and slider, shown only when the streamer sends some, and the way around the
 * browsers' rule that a page nobody clicked yet must be silent: the picture starts without sound,
 * a hint says so, and the first click or key brings it.
 */
export class Sound {
  readonly root = el("div", { class: "sound", hidden: true });
  readonly hint: HTMLButtonElement;
  private readonly toggle: HTMLButtonElement;
  private readonly slider: HTMLInputElement;
  private isHeldBack = false;

  constructor(
    private readonly translate: Translate,
    private readonly player: Player,
    private readonly store: SettingsStore,
  ) {
    this.toggle = button({ class: "icon-button" }, () => this.set(!this.player.muted));
    const range = { type: "range", min: "0", max: "1", step: "0.05" };
    this.slider = el("input", { ...range, "aria-label": translate("volume"), class: "volume" });
    this.slider.value = String(store.values.volume);
    this.slider.addEventListener("input", () => this.setVolume(Number(this.slider.value)));
    this.root.append(this.toggle, this.slider);
    this.hint = button(
      { class: "sound-hint", hidden: true },
      () => this.release(),
      icon("muted"),
      translate("soundBlocked"),
    );
    for (const type of ["pointerdown", "keydown"]) {
      document.addEventListener(type, () => this.release(), true);
    }
    this.show();
  }

  /** The browser plays without sound only. */
  holdBack(): void {
    this.isHeldBack = true;
    this.player.muted = true;
    this.show();
  }

  /** A picture plays: whether it has sound is known now. */
  refresh(): void {
    this.player.volume = this.store.values.volume;
    const muted = this.player.muted;
    this.player.muted = muted; // a new picture's elements follow
    this.show();
  }

  private release(): void {
    if (this.isHeldBack) {
      this.isHeldBack = false;
      this.player.muted = this.store.values.muted;
      this.show();
    }
  }

  private set(muted: boolean): void {
    this.isHeldBack = false;
    this.player.muted = muted;
    this.store.set("muted", muted);
    this.show();
  }

  private setVolume(volume: number): void {
    this.player.volume = volume;
    this.store.set("volume", volume);
    this.set(volume === 0);
  }

  private show(): void {
    const { muted, hasSound } = this.player;
    const label = this.translate(muted ? "unmute" : "mute");
    this.root.hidden = !hasSound;
    this.hint.hidden = !(hasSound && this.isHeldBack);
    this.toggle.replaceChildren(icon(muted ? "muted" : "sound"));
    this.toggle.setAttribute("aria-label", label);
    this.toggle.title = label;
    document.documentElement.dataset.sound = muted ? "off" : "on";
  }
}
