import type { Clock } from "../session";
import { type Answer, rememberedOf } from "./messages";
import { advance, type Fault, newTurn, type Turn, turnsOf } from "./turn";

/** The way to the server, as a conversation uses it. */
export interface ChatLink {
  readonly isOpen: boolean;
  send(message: { readonly type: string }): void;
}

/** What a conversation shows. */
export interface ChatScreen {
  /** A turn began or went on. */
  showTurn(turn: Turn): void;
  /** Turns of earlier visits, oldest first, before all others. */
  showPast(turns: readonly Turn[]): void;
}

const HISTORY_LENGTH = 20;
const LONGEST_SILENCE = 45_000; // a slow model's first word
const RESUME_SILENCE = 10_000; // on a new socket: what was missed comes at once or never
const KEPT_TURNS = 50;

/**
 * Questions and answers: one question at a time, kept until the socket is open, given up when the
 * server stays silent.
 */
export class Conversation {
  private readonly turns = new Map<string, Turn>();
  private running: string | undefined;
  private isUnsent = false;
  private past: "unasked" | "wanted" | "shown" = "unasked";
  private cancelTimer: () => void = () => {};
  private cancelHistory: () => void = () => {};

  constructor(
    private readonly link: ChatLink,
    private readonly screen: ChatScreen,
    private readonly clock: Clock,
    private readonly locale: string,
  ) {}

  get isBusy(): boolean {
    return this.running !== undefined;
  }

  /** Asks; false when nothing was asked, or an answer still runs. */
  ask(question: string): boolean {
    const text = question.trim();
    if (text === "" || this.isBusy) {
      return false;
    }
    const turn = newTurn(this.newId(), text);
    this.running = turn.id;
    this.isUnsent = true;
    this.watch(LONGEST_SILENCE);
    this.keep(turn);
    this.sendQuestion();
    return true;
  }

  /** Asks what `id` asked once more. */
  again(id: string): boolean {
    return this.ask(this.turns.get(id)?.question ?? "");
  }

  /** Stops the answer that runs; the page need not wait until the server did. */
  cancel(): void {
    const turn = this.current;
    if (turn) {
      this.link.send({ type: "chatCancel", id: turn.id } as { type: string });
      this.hear(turn.id, { type: "chatDone", cancelled: true, degraded: false });
    }
  }

  vote(id: string, helpful: boolean, productId?: string): void {
    const product = productId === undefined ? {} : { productId };
    const message = { type: "chatFeedback", id, ...product, helpful };
    this.link.send(message);
  }

  /** Fetches what was said on earlier visits, as soon as the socket is open; once. */
  remember(): void {
    if (this.past !== "shown") {
      this.past = "wanted";
      this.sendHistory();
    }
  }

  /** A socket is open: the first, or another after a break. */
  opened(): void {
    if (this.isUnsent) {
      this.sendQuestion();
    } else if (this.isBusy) {
      this.watch(RESUME_SILENCE);
    }
    this.sendHistory();
  }

  /** The server said something to the question `id`; an empty one means that which runs. */
  hear(id: string, answer: Answer): void {
    const turn = this.turns.get(id === "" ? (this.running ?? "") : id);
    if (turn?.state !== "running") {
      return;
    }
    const next = advance(turn, answer);
    if (turn.id !== this.running) {
      this.keep(next); // another's answer: ours may run beside it
      return;
    }
    if (next.state === "running") {
      this.watch(LONGEST_SILENCE);
    } else {
      this.cancelTimer();
      this.running = undefined;
      this.isUnsent = false;
    }
    this.keep(next);
  }

  /** Somebody who looks along asked; the answer is heard under `id`, or given up silently. */
  overhear(id: string, question: string): void {
    this.keep({ ...newTurn(id, question), isOverheard: true });
    const end = { type: "chatDone", cancelled: true, degraded: false } as const;
    this.clock.after(2 * LONGEST_SILENCE, () => this.hear(id, end));
  }

  /** The server told what was said on earlier visits. */
  heardHistory(messages: unknown): void {
    if (this.past === "wanted") {
      this.past = "shown";
      const past = turnsOf(rememberedOf(messages)).filter(({ id }) => !this.turns.has(id));
      past.forEach((turn) => this.turns.set(turn.id, turn));
      this.screen.showPast(past);
    }
  }

  /** The server cannot tell yet: it is asked again after `retryAfter` seconds, if it gave any. */
  historyRefused(retryAfter: number | undefined): void {
    if (retryAfter !== undefined && this.past === "wanted") {
      this.cancelHistory();
      this.cancelHistory = this.clock.after(retryAfter * 1000, () => this.sendHistory());
    }
  }

  private get current(): Turn | undefined {
    return this.turns.get(this.running ?? "");
  }

  private sendQuestion(): void {
    const { current: turn } = this;
    if (turn && this.link.isOpen) {
      this.isUnsent = false;
      const message = { type: "chat", id: turn.id, text: turn.question, locale: this.locale };
      this.link.send(message);
    }
  }

  private sendHistory(): void {
    if (this.past === "wanted" && this.link.isOpen) {
      const message = { type: "chatHistory", limit: HISTORY_LENGTH };
      this.link.send(message);
    }
  }

  private keep(turn: Turn): void {
    this.turns.set(turn.id, turn);
    const oldest = this.turns.keys().next();
    if (this.turns.size > KEPT_TURNS && !oldest.done) {
      this.turns.delete(oldest.value);
    }
    this.screen.showTurn(turn);
  }

  private watch(ms: number): void {
    this.cancelTimer();
    this.cancelTimer = this.clock.after(ms, () => this.giveUp());
  }

  private giveUp(): void {
    const code = this.isUnsent ? "not_connected" : "no_answer";
    const fault: Fault = { code, message: "", retryAfter: undefined };
    this.hear("", { type: "chatError", ...fault });
  }

  /** `crypto.randomUUID` is for https only; an id need but differ from this visitor's others. */
  private newId(): string {
    const digits = (): string => this.clock.random().toString(36).slice(2, 10);
    return `${this.clock.now().toString(36)}-${digits()}`;
  }
}
