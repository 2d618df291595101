import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS, SettingsStore, type Store } from "../src/settings";

class MemoryStore implements Store {
  readonly kept = new Map<string, string>();

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
}

const forbidden: Store = {
  getItem: () => {
    throw new Error("forbidden");
  },
  setItem: () => {
    throw new Error("full");
  },
};

test("settings come back on the next visit, the microphone does not", () => {
  const store = new MemoryStore();
  const first = new SettingsStore(store);
  first.set("lockMouse", true);
  first.set("microphone", true);
  assert.equal(first.values.microphone, true);
  const second = new SettingsStore(store);
  assert.equal(second.values.lockMouse, true);
  assert.equal(second.values.microphone, false);
});

test("only what the visitor set counts as chosen", () => {
  const store = new MemoryStore();
  assert.equal(new SettingsStore(store).chosen("lockMouse"), undefined);
  new SettingsStore(store).set("lockMouse", false);
  assert.equal(new SettingsStore(store).chosen("lockMouse"), false);
});

test("a browser that forbids storage still has settings, for this visit", () => {
  const settings = new SettingsStore(forbidden);
  settings.set("volume", 0.5);
  settings.rememberStreamer("One");
  assert.equal(settings.values.volume, 0.5);
  assert.equal(settings.streamer, undefined);
  assert.deepEqual(new SettingsStore(undefined).values, DEFAULTS);
});

for (const broken of ["", "{", "null", "[]", '{"volume":"loud","unknown":1,"muted":1}']) {
  test(`kept text that is unusable (${broken}) gives the defaults`, () => {
    const store = new MemoryStore();
    store.setItem("pixelstreaming.settings", broken);
    assert.deepEqual(new SettingsStore(store).values, DEFAULTS);
  });
}

test("the streamer of the last visit is remembered", () => {
  const store = new MemoryStore();
  new SettingsStore(store).rememberStreamer("Showroom");
  assert.equal(new SettingsStore(store).streamer, "Showroom");
});
