import { el } from "../dom";
import type { Settings, Switch } from "../settings";
import type { TextKey, Translate } from "../texts";

/** What this browser and device can do: a switch that could do nothing is not shown. */
export interface Abilities {
  readonly mouse: boolean;
  readonly touch: boolean;
  readonly microphone: boolean;
}

interface Entry {
  readonly name: Switch;
  readonly hint: TextKey;
  readonly offered: (abilities: Abilities) => boolean;
}

const ENTRIES: readonly Entry[] = [
  { name: "lockMouse", hint: "lockMouseHint", offered: ({ mouse }) => mouse },
  { name: "captureKeys", hint: "captureKeysHint", offered: ({ mouse }) => mouse },
  { name: "touchAsMouse", hint: "touchAsMouseHint", offered: ({ touch }) => touch },
  { name: "matchSize", hint: "matchSizeHint", offered: () => true },
  { name: "microphone", hint: "microphoneHint", offered: ({ microphone }) => microphone },
];

/** Finds out what this browser and device can do. */
export function findAbilities(): Abilities {
  return {
    mouse: window.matchMedia("(any-pointer: fine)").matches,
    touch: navigator.maxTouchPoints > 0,
    // The library asks for the microphone on https and on this machine only.
    microphone: window.isSecureContext && navigator.mediaDevices !== undefined,
  };
}

/** The switches; `onChange` may refuse by returning false. */
export class SettingsView {
  readonly root = el("div", { class: "switches" });
  private readonly inputs = new Map<Switch, HTMLInputElement>();

  constructor(
    private readonly translate: Translate,
    values: Settings,
    abilities: Abilities,
    private readonly onChange: (name: Switch, on: boolean) => void,
  ) {
    for (const entry of ENTRIES.filter(({ offered }) => offered(abilities))) {
      this.root.append(this.row(entry, values[entry.name]));
    }
  }

  /** Shows a switch as `on`, without telling `onChange`. */
  show(name: Switch, on: boolean): void {
    const input = this.inputs.get(name);
    if (input) {
      input.checked = on;
    }
  }

  private row({ name, hint }: Entry, on: boolean): HTMLElement {
    const input = el("input", { type: "checkbox", role: "switch", name, checked: on });
    input.addEventListener("change", () => this.onChange(name, input.checked));
    this.inputs.set(name, input);
    const words = el(
      "span",
      { class: "switch-words" },
      this.translate(name),
      el("small", {}, this.translate(hint)),
    );
    return el("label", { class: "switch" }, words, input);
  }
}
