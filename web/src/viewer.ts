import {
  signallingUrl,
  streamerInAddress,
  type Wish,
  wishInAddress,
  withoutSession,
  withStreamer,
} from "./address";
import { offerChat } from "./chat/chat";
import { type Entry, textOfRefusal } from "./guests/entry";
import { Guests } from "./guests/guests";
import { el } from "./dom";
import { watchInput } from "./input";
import { focusWhenPressed, giveFocusBack, keepKeysFromScene, showFocusByTab } from "./keys";
import { Player } from "./player";
import { type Clock, type Phase, Session } from "./session";
import type { SettingsStore, Switch } from "./settings";
import { type Figures, figuresOf, gradeOf, type Sample } from "./statistics";
import type { Translate } from "./texts";
import { Bar } from "./view/bar";
import { Ending } from "./view/ending";
import { fullscreenButton } from "./view/fullscreen";
import { fadeWhenIdle } from "./view/idle";
import { Notice } from "./view/notice";
import { Overlay } from "./view/overlay";
import { SidePanel } from "./view/panel";
import { findAbilities, SettingsView } from "./view/settings";
import { Sound } from "./view/sound";
import { StatisticsView } from "./view/statistics";
import { Still } from "./view/still";
import { TextEntry } from "./view/textentry";
import { Watchdog } from "./watchdog";

/** Joins session, player and views: the page. */
export class Viewer {
  readonly player: Player;
  readonly session: Session;
  readonly panel: SidePanel;
  readonly guests: Guests;
  figures: Figures | undefined;

  private readonly overlay: Overlay;
  private readonly bar: Bar;
  private readonly sound: Sound;
  private readonly statistics: StatisticsView;
  private readonly switches: SettingsView;
  private readonly textEntry: TextEntry;
  private readonly notice: Notice;
  private readonly ending: Ending;
  private readonly still = new Still();
  private readonly watchdog = new Watchdog();
  private isFrozen = false;

  constructor(
    private readonly translate: Translate,
    private readonly store: SettingsStore,
    private readonly clock: Clock,
    private readonly entry?: Entry,
  ) {
    this.player = this.createPlayer(clock);
    this.session = new Session(
      this.player,
      clock,
      (phase) => this.show(phase),
      streamerInAddress(location.search),
      store.streamer,
    );
    this.panel = new SidePanel(translate, () => this.show(this.session.phase));
    this.overlay = new Overlay(translate, {
      play: () => this.player.play(),
      retry: () => this.session.connect(),
      pick: (id) => this.pick(id),
    });
    this.sound = new Sound(translate, this.player, store);
    this.statistics = new StatisticsView(translate, () => this.toggleStatistics());
    this.switches = new SettingsView(translate, store.values, findAbilities(), (name, on) =>
      this.change(name, on),
    );
    this.textEntry = new TextEntry(translate, (text) => this.player.typeText(text));
    this.notice = new Notice(translate);
    this.ending = new Ending(translate);
    this.bar = this.createBar();
    this.guests = new Guests(this.player, this.session, this.panel, translate, entry);
  }

  /** Puts the page into `body` and connects. */
  start(body: HTMLElement): void {
    const ui = this.arrange(body);
    offerChat(this.player, this.panel, this.translate, this.clock);
    document.documentElement.toggleAttribute("data-bare", this.player.isBare);
    keepKeysFromScene(ui);
    focusWhenPressed(this.player.stage);
    showFocusByTab(this.player.stage);
    giveFocusBack(ui, this.player.stage);
    fadeWhenIdle(
      () => ui.querySelector(".popover:not([hidden]), .bar :focus-visible") !== null,
    );
    window.addEventListener("online", () => this.backOnline());
    document.addEventListener("visibilitychange", () => this.lookedAt());
    watchInput(() => this.session.used());
    this.session.connect();
  }

  /** Plays the streamer `id`, from now on and on the next visit. */
  pick(id: string): void {
    history.replaceState(null, "", withStreamer(location.search, id));
    this.session.pick(id);
  }

  private backOnline(): void {
    this.player.hurry();
    this.session.hurry();
  }

  /** A visitor who comes back to this tab does not wait out a timer that began unseen. */
  private lookedAt(): void {
    if (!document.hidden) {
      this.session.hurry();
    }
  }

  private createPlayer(clock: Clock): Player {
    const label = this.translate("scene");
    // `fixed-size` keeps the library from writing a style attribute, which a strict
    // Content-Security-Policy forbids; the style sheet does the sizing.
    const attributes = { role: "application", tabindex: "0", "aria-label": label };
    const stage = el("div", { class: "stage fixed-size", ...attributes });
    const url = (): string => signallingUrl(location);
    const wish = (): Wish => wishInAddress(location.search);
    return new Player(
      stage,
      url,
      this.store.values,
      clock,
      wish,
      {
        opened: () => this.session.opened(),
        closed: (closing) => this.session.closed(closing),
        listed: (ids) => this.listed(ids),
        told: (news) => this.session.told(news),
        leaving: () => this.still.keep(this.player.video),
        refused: (problem) => this.session.refused(problem),
        renamed: (id) => this.session.renamed(id),
        played: () => this.session.played(),
        rejected: (needsClick) => this.rejected(needsClick),
        measured: (sample, connection) => this.measured(sample, connection),
        frozen: (isFrozen) => {
          this.isFrozen = isFrozen;
        },
        configured: () => this.settleMouse(),
        textWanted: (request) => this.textEntry.show(request),
        turnedAway: (code) => this.turnAway(code),
      },
      this.entry,
    );
  }

  private turnAway(code: string): void {
    this.entry?.forget();
    this.session.dismiss(textOfRefusal(code), "guestTitle");
  }

  private createBar(): Bar {
    return new Bar(this.translate, {
      sound: this.sound.root,
      openers: this.panel.openers,
      settings: this.switches.root,
      fullscreen: fullscreenButton(this.translate, () => this.store.values.captureKeys),
      onStatistics: () => this.toggleStatistics(),
      onPick: (id) => this.pick(id),
    });
  }

  private arrange(body: HTMLElement): HTMLElement {
    const corner = el("div", { class: "corner" }, this.statistics.root);
    const bottom = el(
      "div",
      { class: "bottom" },
      this.sound.hint,
      this.notice.root,
      this.ending.root,
      this.bar.root,
    );
    const top = el("div", { class: "top" }, this.guests.banner.root);
    const controls = { class: "over", "aria-label": this.translate("controls") };
    const over = el("section", controls, this.overlay.root, top, corner, bottom);
    const ui = el("div", { class: "ui" }, over, this.panel.root, this.textEntry.root);
    this.player.stage.append(this.still.root);
    const title = el("h1", { class: "for-readers" }, this.translate("title"));
    body.append(el("main", {}, title, this.player.stage), ui);
    return ui;
  }

  private show(phase: Phase): void {
    const { dataset } = document.documentElement;
    dataset.state = phase.name;
    dataset.panel = this.panel.isOpen ? "open" : "closed";
    if (phase.name === "starting") {
      this.watchdog.reset();
      this.figures = undefined;
    }
    if (phase.name === "playing") {
      dataset.streamer = phase.streamer;
      document.title = `${phase.streamer} – ${this.translate("title")}`;
      if (!this.entry) {
        this.store.rememberStreamer(phase.streamer);
      }
      this.still.clear();
      this.sound.refresh();
    } else {
      this.notice.say(undefined);
      this.textEntry.hide();
    }
    if (phase.name === "ended") {
      history.replaceState(null, "", location.pathname + withoutSession(location.search));
    }
    this.ending.show(this.session.warning);
    this.overlay.show(phase);
    this.bar.showPhase(phase, this.panel.hasOffers);
    this.bar.showStreamers(this.session.streamers, this.session.current);
  }

  private listed(ids: readonly string[]): void {
    this.session.listed(ids);
    this.bar.showStreamers(ids, this.session.current);
  }

  private rejected(needsClick: boolean): void {
    if (needsClick) {
      this.session.blocked();
    } else {
      this.sound.holdBack();
      this.player.play();
    }
  }

  private measured(sample: Sample, connection: RTCPeerConnectionState): void {
    this.figures = figuresOf(sample, this.figures);
    this.statistics.update(this.figures);
    this.bar.showGrade(gradeOf(this.figures));
    const health = this.watchdog.see({ connection, framesDecoded: sample.framesDecoded });
    const isStalled = health === "stalled" && !this.isFrozen && !document.hidden;
    this.notice.say(isStalled && this.session.phase.name === "playing" ? "stalled" : undefined);
    if (health === "lost") {
      this.session.mediaLost();
    }
  }

  private toggleStatistics(): void {
    const { root } = this.statistics;
    root.hidden = !root.hidden;
    this.bar.statistics.setAttribute("aria-expanded", String(!root.hidden));
  }

  /** A streamer may suggest how the mouse works; what the visitor chose stays. */
  private settleMouse(): void {
    const chosen = this.store.chosen("lockMouse");
    if (chosen === undefined) {
      this.switches.show("lockMouse", this.player.isMouseLocked);
    } else if (chosen !== this.player.isMouseLocked) {
      this.player.switch("lockMouse", chosen);
    }
  }

  private change(name: Switch, on: boolean): void {
    if (name === "microphone") {
      void this.changeMicrophone(on);
    } else {
      this.store.set(name, on);
      this.player.switch(name, on);
    }
  }

  private async changeMicrophone(on: boolean): Promise<void> {
    if (on && !(await mayListen())) {
      this.switches.show("microphone", false);
      this.notice.flash("microphoneDenied");
      return;
    }
    this.player.switch("microphone", on);
    this.session.restart();
  }
}

/** Asks for the microphone, as the library would in the midst of a negotiation. */
async function mayListen(): Promise<boolean> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) {
      track.stop();
    }
    return true;
  } catch {
    return false;
  }
}
