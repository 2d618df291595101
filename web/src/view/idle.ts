/** How long the controls stay after the last sign of the visitor. */
const IDLE_AFTER = 3000;

/**
 * Marks `<html data-idle>` when nothing moved for a while, so that the controls fade. They stay
 * as long as `isBusy` says: something is open, or the keyboard focus is on them.
 */
export function fadeWhenIdle(isBusy: () => boolean): void {
  const { dataset } = document.documentElement;
  let timer = 0;
  const rest = (): void => {
    if (isBusy()) {
      timer = window.setTimeout(rest, IDLE_AFTER);
    } else {
      dataset.idle = "";
    }
  };
  const wake = (): void => {
    delete dataset.idle;
    window.clearTimeout(timer);
    timer = window.setTimeout(rest, IDLE_AFTER);
  };
  for (const type of ["pointermove", "pointerdown", "focusin"]) {
    window.addEventListener(type, wake, { capture: true, passive: true });
  }
  wake();
}
