import { button, el, setAttributes } from "../dom";
import { bars, icon } from "../icons";
import type { Phase } from "../session";
import type { Grade } from "../statistics";
import type { TextKey, Translate } from "../texts";
import { Popover } from "./popover";

/** The pieces that the bar arranges. */
export interface BarParts {
  readonly sound: HTMLElement;
  readonly openers: HTMLElement;
  readonly settings: HTMLElement;
  readonly fullscreen: HTMLElement | undefined;
  readonly onStatistics: () => void;
  readonly onPick: (id: string) => void;
}

const GRADES: Readonly<Record<Grade, TextKey>> = {
  1: "gradePoor",
  2: "gradeFair",
  3: "gradeGood",
};

/** The control bar: what is playing, how well, and the few things one may want to change. */
export class Bar {
  readonly root: HTMLElement;
  readonly statistics: HTMLButtonElement;
  private readonly name = el("span", { class: "name" });
  private readonly picker: HTMLButtonElement;
  private readonly pickerSheet: Popover;
  private readonly list = el("ul", { class: "choices" });

  constructor(
    private readonly translate: Translate,
    private readonly parts: BarParts,
  ) {
    this.picker = button({ class: "picker" }, () => {}, ...this.named());
    this.pickerSheet = new Popover(this.picker, translate("choosing"), "picker-sheet");
    this.pickerSheet.root.append(this.list);
    const statistics = { class: "icon-button", title: translate("statistics") };
    this.statistics = button(statistics, parts.onStatistics, bars());
    this.showGrade(3);
    this.root = el("div", { class: "bar" }, ...this.arrange());
  }

  /** Shows the streamer in play, and the others to choose from when there are any. */
  showStreamers(ids: readonly string[], current: string | undefined): void {
    this.name.textContent = current ?? "";
    const isChoice = ids.length > 1;
    this.picker.disabled = !isChoice;
    setAttributes(this.picker, {
      "aria-label": this.translate("streamer", { name: current ?? "" }),
    });
    this.pickerSheet.toggle(this.pickerSheet.isOpen && isChoice);
    this.list.replaceChildren(...ids.map((id) => this.choice(id, id === current)));
  }

  /** Outside of playing, only what a panel offers is of use. */
  showPhase(phase: Phase, hasOffers: boolean): void {
    this.root.hidden = phase.name !== "playing" && !hasOffers;
  }

  showGrade(grade: Grade): void {
    const label = `${this.translate("statistics")}. ${this.translate(GRADES[grade])}`;
    setAttributes(this.statistics, { "data-grade": String(grade), "aria-label": label });
  }

  private arrange(): readonly Node[] {
    const { sound, openers, settings, fullscreen } = this.parts;
    const label = this.translate("settings");
    const attributes = { class: "icon-button", "aria-label": label, title: label };
    const gear = button(attributes, () => {}, icon("settings"));
    const sheet = new Popover(gear, label, "settings-sheet");
    sheet.root.append(el("h2", {}, label), settings);
    const playing = el("div", { class: "while-playing" }, this.statistics, sound);
    const own = el(
      "div",
      { class: "while-playing" },
      gear,
      ...(fullscreen ? [fullscreen] : []),
    );
    return [this.picker, playing, openers, own, this.pickerSheet.root, sheet.root];
  }

  /** What the picker shows; where the bar is too narrow for the name, the icon stands for it. */
  private named(): readonly Node[] {
    return [icon("screen"), this.name, icon("chevron")];
  }

  private choice(id: string, isCurrent: boolean): HTMLElement {
    const pick = (): void => {
      this.pickerSheet.toggle(false);
      this.parts.onPick(id);
    };
    const attributes = { class: "choice", "aria-current": isCurrent ? "true" : undefined };
    return el("li", {}, button(attributes, pick, icon("screen"), el("span", {}, id)));
  }
}
