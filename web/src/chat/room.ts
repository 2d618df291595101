import { button, el } from "../dom";
import type { Clock } from "../session";
import type { Translate } from "../texts";
import { Composer } from "./composer";
import type { Conversation } from "./conversation";
import type { Progress } from "./scene";
import type { Turn } from "./turn";
import { type TurnActions, TurnView } from "./turnview";

/** So close to the end (pixels) the log follows what is written. */
const AT_END = 80;
const EXAMPLES = ["chatExample1", "chatExample2", "chatExample3"] as const;
const SHOWN_TURNS = 50;

/** The chat's room in the side panel: what was said, and the field to say more. */
export class ChatRoom {
  private readonly log: HTMLElement;
  private readonly past = el("div", { class: "past" });
  private readonly now = el("div", { class: "now" });
  private readonly welcome: HTMLElement;
  /** What a screen reader is told: whole sentences, not each piece of a word. */
  private readonly spoken = el("p", { class: "for-readers", role: "status" });
  private readonly composer: Composer;
  private readonly views = new Map<string, TurnView>();
  private isFollowing = true;
  /** What the scene shows or is about to: cards that come later say so too. */
  private progress: Progress | undefined;

  constructor(
    private readonly translate: Translate,
    private readonly clock: Clock,
    private readonly conversation: () => Conversation,
    private readonly actions: TurnActions,
  ) {
    const label = translate("chatLog");
    this.welcome = this.createWelcome();
    const content = [this.welcome, this.past, this.now];
    const attributes = {
      class: "chat-log",
      role: "region",
      "aria-label": label,
      tabindex: "0",
    };
    this.log = el("div", attributes, ...content);
    this.composer = new Composer(translate, {
      ask: (text) => this.conversation().ask(text),
      cancel: () => this.conversation().cancel(),
    });
  }

  mount(room: HTMLElement): void {
    room.append(this.log, this.spoken, this.composer.root);
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.follow()).observe(this.log); // the field grows, a keyboard opens
  }

  /** The room was opened. A phone's keyboard would cover it, so there the field waits. */
  opened(): void {
    this.scrollToEnd();
    if (window.matchMedia("(hover: hover)").matches) {
      this.composer.focus();
    }
  }

  showTurn(turn: Turn): void {
    this.isFollowing ||= !this.views.has(turn.id);
    this.viewOf(turn.id, this.now).update(turn);
    this.welcome.hidden = true;
    this.composer.showBusy(this.conversation().isBusy);
    this.speak(turn);
    this.follow();
  }

  showPast(turns: readonly Turn[]): void {
    turns.forEach((turn) => this.viewOf(turn.id, this.past).update(turn));
    this.welcome.hidden = this.views.size > 0;
    this.scrollToEnd();
  }

  showProgress(progress: Progress): void {
    this.progress = progress;
    this.views.forEach((view) => view.showProgress(progress));
    const { state, words, action } = progress;
    const name = action.arguments.name;
    if (state === "accepted") {
      this.say([String(name ?? ""), this.translate("chatShown")].filter(Boolean).join(": "));
    } else if (state === "refused") {
      this.say(`${this.translate("chatRefused")} ${words}`);
    } else if (state === "kept") {
      this.say(this.translate("chatKept"));
    }
  }

  say(words: string): void {
    this.spoken.textContent = words;
  }

  private viewOf(id: string, parent: HTMLElement): TurnView {
    const known = this.views.get(id);
    if (known) {
      return known;
    }
    const view = new TurnView(this.translate, this.actions, this.clock, () => this.progress);
    this.views.set(id, view);
    parent.append(view.root);
    this.forgetOldest();
    return view;
  }

  private forgetOldest(): void {
    const [oldest] = this.views;
    if (oldest && this.views.size > SHOWN_TURNS) {
      oldest[1].remove();
      this.views.delete(oldest[0]);
    }
  }

  private speak(turn: Turn): void {
    if (turn.state === "failed" && turn.fault) {
      return; // an alert says it
    }
    if (turn.state === "running") {
      const isFound = turn.answer === "" && turn.products.length > 0;
      const found = this.translate("chatFound", { count: turn.products.length });
      this.say(isFound ? found : "");
    } else {
      this.say(turn.state === "done" ? turn.answer : this.translate("chatCancelled"));
    }
  }

  private createWelcome(): HTMLElement {
    const { translate } = this;
    const ask = (text: string): HTMLElement =>
      el(
        "li",
        {},
        button({ class: "example" }, () => this.askExample(text), text),
      );
    const examples = EXAMPLES.map((key) => ask(translate(key)));
    return el(
      "div",
      { class: "welcome" },
      el("h3", {}, translate("chatWelcome")),
      el("p", {}, translate("chatWelcomeHint")),
      el("ul", { "aria-label": translate("chatExamples") }, ...examples),
    );
  }

  /** The button goes with the welcome: the focus must not fall out of the panel. */
  private askExample(text: string): void {
    this.conversation().ask(text);
    this.log.focus({ preventScroll: true });
  }

  /** A visitor who reads further up stays there. */
  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    this.isFollowing = scrollHeight - scrollTop - clientHeight < AT_END;
  }

  private follow(): void {
    if (this.isFollowing) {
      this.scrollToEnd();
    }
  }

  private scrollToEnd(): void {
    this.log.scrollTop = this.log.scrollHeight;
  }
}
