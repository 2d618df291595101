import { button, el, setAttributes } from "../dom";
import { icon } from "../icons";

/** What a screen reader says of the two thumbs. */
export interface ThumbLabels {
  readonly up: string;
  readonly down: string;
}

/**
 * Two thumbs of which one may be pressed, and one may be from an earlier visit; a second press on
 * it changes nothing.
 */
export function thumbs(
  labels: ThumbLabels,
  voted: boolean | undefined,
  onVote: (helpful: boolean) => void,
): HTMLElement {
  const both: HTMLButtonElement[] = [];
  const thumb = (helpful: boolean): HTMLButtonElement => {
    const label = helpful ? labels.up : labels.down;
    const attributes = { class: "thumb", "aria-label": label, title: label };
    const press = (): void => {
      if (own.getAttribute("aria-pressed") === "true") {
        return;
      }
      both.forEach((each) => setAttributes(each, { "aria-pressed": String(each === own) }));
      onVote(helpful);
    };
    const own = button(attributes, press, icon(helpful ? "thumbUp" : "thumbDown"));
    setAttributes(own, { "aria-pressed": String(voted === helpful) });
    both.push(own);
    return own;
  };
  return el("div", { class: "thumbs" }, thumb(true), thumb(false));
}
