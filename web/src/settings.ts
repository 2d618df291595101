/** What a visitor may set; kept in the browser. */
export interface Settings {
  readonly lockMouse: boolean;
  readonly captureKeys: boolean;
  readonly touchAsMouse: boolean;
  readonly matchSize: boolean;
  readonly microphone: boolean;
  readonly muted: boolean;
  readonly volume: number;
}

export type Switch = "lockMouse" | "captureKeys" | "touchAsMouse" | "matchSize" | "microphone";

export const DEFAULTS: Settings = {
  lockMouse: false,
  captureKeys: false,
  touchAsMouse: false,
  matchSize: false,
  microphone: false,
  muted: false,
  volume: 1,
};

/** The part of `localStorage` in use here. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const SETTINGS_KEY = "pixelstreaming.settings";
const STREAMER_KEY = "pixelstreaming.streamer";

/** Reads and keeps settings; in a browser that forbids storage they last as long as the page. */
export class SettingsStore {
  private settings: Settings;
  /** Settings that the visitor has made: these win over what a streamer suggests. */
  private own: Partial<Settings>;

  constructor(private readonly store: Store | undefined) {
    this.own = parse(read(store, SETTINGS_KEY));
    this.settings = { ...DEFAULTS, ...this.own };
  }

  get values(): Settings {
    return this.settings;
  }

  chosen(name: Switch): boolean | undefined {
    return this.own[name];
  }

  set<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
    this.own = { ...this.own, [name]: value };
    this.settings = { ...this.settings, [name]: value };
    // The microphone is asked for anew on each visit: a page must not listen unasked.
    write(this.store, SETTINGS_KEY, JSON.stringify({ ...this.own, microphone: false }));
  }

  get streamer(): string | undefined {
    return read(this.store, STREAMER_KEY) ?? undefined;
  }

  rememberStreamer(id: string): void {
    write(this.store, STREAMER_KEY, id);
  }
}

/** The browser's storage, where it is allowed (it throws in some embedded frames). */
export function browserStore(): Store | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

function parse(text: string | null): Partial<Settings> {
  try {
    const given: unknown = JSON.parse(text ?? "{}");
    return typeof given === "object" && given !== null ? onlyKnown(given) : {};
  } catch {
    return {};
  }
}

function onlyKnown(given: object): Partial<Settings> {
  const known = Object.entries(given).filter(
    ([name, value]) =>
      name in DEFAULTS && typeof value === typeof DEFAULTS[name as keyof Settings],
  );
  return Object.fromEntries(known);
}

function read(store: Store | undefined, key: string): string | null {
  try {
    return store?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function write(store: Store | undefined, key: string, value: string): void {
  try {
    store?.setItem(key, value);
  } catch {
    // full or forbidden: the setting lasts as long as the page
  }
}
