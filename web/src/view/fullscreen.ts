import { button } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../texts";

/** Chromium's Keyboard Lock: in full screen even Esc goes to the page (held down it leaves). */
interface LockableKeyboard {
  lock(): Promise<void>;
  unlock(): void;
}

/** The button for full screen; `undefined` where the browser has none (iPhone, some frames). */
export function fullscreenButton(
  translate: Translate,
  wantsAllKeys: () => boolean,
): HTMLButtonElement | undefined {
  if (!document.fullscreenEnabled) {
    return undefined;
  }
  const element = button({ class: "icon-button" }, () => void toggle(wantsAllKeys()));
  const show = (): void => {
    const isFull = document.fullscreenElement !== null;
    const label = translate(isFull ? "fullscreenLeave" : "fullscreen");
    element.replaceChildren(icon(isFull ? "fullscreenLeave" : "fullscreen"));
    element.setAttribute("aria-label", label);
    element.title = label;
  };
  document.addEventListener("fullscreenchange", show);
  show();
  return element;
}

async function toggle(wantsAllKeys: boolean): Promise<void> {
  const { keyboard } = navigator as { keyboard?: LockableKeyboard };
  if (document.fullscreenElement) {
    keyboard?.unlock();
    await document.exitFullscreen();
    return;
  }
  await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  if (wantsAllKeys) {
    await keyboard?.lock();
  }
}
