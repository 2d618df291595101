const EVENTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

const GAMEPAD_INTERVAL = 1000; // browsers tell of gamepads only when asked
const DEAD_ZONE = 0.25; // sticks at rest are rarely at zero

/** Calls `onInput` whenever the visitor does something, as often as events come. */
export function watchInput(onInput: () => void): void {
  for (const name of EVENTS) {
    window.addEventListener(name, onInput, { capture: true, passive: true });
  }
  window.setInterval(() => {
    if (navigator.getGamepads().some((pad) => pad !== null && isUsed(pad))) {
      onInput();
    }
  }, GAMEPAD_INTERVAL);
}

function isUsed(pad: Gamepad): boolean {
  return (
    pad.buttons.some(({ pressed }) => pressed) ||
    pad.axes.some((value) => Math.abs(value) > DEAD_ZONE)
  );
}
