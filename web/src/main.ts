import { Entry, ownDoorstep } from "./guests/entry";
import { PageLog } from "./log";
import type { Clock } from "./session";
import { browserStore, SettingsStore } from "./settings";
import { languageOf, translator } from "./texts";
import { Viewer } from "./viewer";

declare global {
  interface Window {
    /** For tests, support, and pages that embed this one. */
    pixelstreaming?: { readonly viewer: Viewer; readonly log: readonly string[] };
  }
}

const clock: Clock = {
  now: () => Date.now(),
  after: (ms, action) => {
    const timer = window.setTimeout(action, ms);
    return () => window.clearTimeout(timer);
  },
  random: () => Math.random(),
};

function main(): void {
  const language = languageOf(navigator.languages);
  document.documentElement.lang = language;
  const translate = translator(language);
  document.title = translate("title");
  const log = new PageLog(new URLSearchParams(location.search).has("debug"));
  log.install();
  const entry = Entry.at(ownDoorstep());
  const viewer = new Viewer(translate, new SettingsStore(browserStore()), clock, entry);
  window.addEventListener("hashchange", () => {
    if (Entry.isAt(location.hash)) {
      location.reload(); // a link that was opened in a tab that already shows the page
    }
  });
  window.pixelstreaming = { viewer, log: log.lines };
  viewer.start(document.body);
}

main();
