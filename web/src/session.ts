import { retryDelay } from "./backoff";
import { type Closing, isRemoval, type Meaning, meaningOf } from "./closing";
import { type PlaceNews, refusalOf, textOfEnd, type Warning } from "./place";
import { chooseStreamer } from "./streamers";
import type { TextKey } from "./texts";

/** What the visitor is in the middle of; `<html data-state>` carries the name. */
export type Phase =
  | { readonly name: "connecting" }
  | { readonly name: "choosing"; readonly streamers: readonly string[] }
  | {
      readonly name: "waiting";
      readonly wanted: string | undefined;
      readonly others: readonly string[];
      readonly problem: string;
    }
  | {
      readonly name: "queued";
      readonly position: number;
      readonly length: number;
      readonly etaSeconds: number | null;
    }
  | { readonly name: "awaiting" }
  | { readonly name: "starting"; readonly streamer: string }
  | { readonly name: "blocked"; readonly streamer: string }
  | { readonly name: "playing"; readonly streamer: string }
  | {
      readonly name: "reconnecting";
      readonly at: number;
      readonly text: TextKey;
      readonly detail: string;
    }
  | {
      readonly name: "ended";
      readonly text: TextKey;
      readonly detail: string;
      /** Of an end that cannot be undone by joining again. */
      readonly title?: TextKey;
    };

/** Why there is no picture for now. */
type Loss = Pick<Meaning, "text"> & Partial<Meaning>;

/** The way to the server and the streamer, as a session uses it. */
export interface Link {
  connect(): void;
  /** Closes the socket and the media; the session hears no `closed` of it. */
  drop(): void;
  list(): void;
  /** Asks for a place, or for the one that `token` stands for. */
  claim(token: string | undefined): void;
  /** Tells the server that the visitor does something. */
  reportInput(): void;
  /** Keeps the last picture: the streamer is gone, the socket is not. */
  keepStill(): void;
  subscribe(id: string): void;
}

/** Time, so that tests need not wait. */
export interface Clock {
  now(): number;
  /** Calls `action` once, `ms` from now; the result takes it back. */
  after(ms: number, action: () => void): () => void;
  random(): number;
}

const OPEN_DEADLINE = 10_000; // a browser alone would try for minutes
const START_DEADLINE = 25_000; // ICE gives up after some 15 s
const REMOVAL_WINDOW = 60_000;
const POLL_INTERVAL = 2_000; // as often as UE tries to come back
const LOOK_INTERVAL = 10_000; // while playing, to offer streamers that came since
const LIST_DEADLINE = 60_000; // the list may be held back while the server has no place
const CLAIM_DEADLINE = 1_500; // a server that knows no sessions does not answer at all
const INPUT_INTERVAL = 5_000; // the server only wants to know that somebody is there

/**
 * A visitor's conversation, from opening the page to its end. It knows no socket and no element:
 * the player tells it what happened, it says what to do and shows the phase it is in.
 */
export class Session {
  phase: Phase = { name: "connecting" };
  streamers: readonly string[] = [];
  current: string | undefined;
  /** Of the session's coming end. */
  warning: Warning | undefined;
  /** Whether the server gives out places, once it has said so. */
  private places: "unknown" | "none" | "given" = "unknown";
  private early: readonly string[] | undefined;
  private token: string | undefined;
  private reportedAt = Number.NEGATIVE_INFINITY;
  private removedAt = Number.NEGATIVE_INFINITY;
  private attempt = 0;
  private refusals = 0;
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly link: Link,
    private readonly clock: Clock,
    private readonly onPhase: (phase: Phase) => void,
    private wanted: string | undefined,
    private readonly remembered: string | undefined,
  ) {}

  /** Connects, at once: the first time, from a button, or when the network came back. */
  connect(): void {
    this.enter({ name: "connecting" });
    this.deadline(OPEN_DEADLINE, () => this.lose({ text: "lostNoAnswer" }));
    this.link.connect();
  }

  /** The socket is open: is there a place, and if the server gives out none, who is there? */
  opened(): void {
    this.places = "unknown";
    this.early = undefined;
    this.deadline(LIST_DEADLINE, () => this.lose({ text: "lostNoAnswer" }));
    this.link.claim(this.token);
    this.link.list();
  }

  /** The server's list of streamers came. */
  listed(ids: readonly string[]): void {
    if (this.places === "given") {
      return;
    }
    if (this.places === "unknown") {
      this.early = ids;
      this.deadline(CLAIM_DEADLINE, () => this.choose());
      return;
    }
    this.streamers = ids;
    if (this.phase.name === "playing") {
      this.lookAgain();
    }
    if (this.isSubscribed()) {
      return;
    }
    const choice = chooseStreamer(ids, { wanted: this.wanted, remembered: this.remembered });
    if (choice.kind === "join") {
      this.subscribe(choice.id);
    } else if (choice.kind === "ask") {
      this.poll({ name: "choosing", streamers: ids });
    } else {
      this.poll({ name: "waiting", wanted: this.wanted, others: ids, problem: "" });
    }
  }

  /** The server said how it stands with the visitor's place. */
  told(news: PlaceNews): void {
    if (this.phase.name === "ended" || this.phase.name === "reconnecting") {
      return;
    }
    switch (news.type) {
      case "sessionQueued":
        return this.queued(news);
      case "sessionAssigned":
        return this.assigned(news.streamerId, news.token);
      case "sessionExpiring":
        return this.warn(news.secondsLeft, news.reason === "idle");
      case "sessionEnded":
        this.token = undefined;
        return this.end({ text: textOfEnd(news.reason), detail: "" });
      case "sessionFailed":
        return this.failed(news.code, news.message);
    }
  }

  private queued(news: PlaceNews & { type: "sessionQueued" }): void {
    this.places = "given";
    this.cancelTimer();
    if (this.isSubscribed()) {
      this.link.keepStill();
    }
    this.warning = undefined;
    const { position, queueLength: length, etaSeconds } = news;
    this.enter({ name: "queued", position, length, etaSeconds });
  }

  private assigned(id: string, token: string): void {
    this.places = "given";
    this.token = token;
    this.subscribe(id);
  }

  private warn(secondsLeft: number, isIdle: boolean): void {
    this.warning = { at: this.clock.now() + secondsLeft * 1000, isIdle };
    this.onPhase(this.phase);
  }

  private failed(code: string, message: string): void {
    const { next, text } = refusalOf(code);
    if (next === "list") {
      this.choose();
    } else if (next === "askAnew" && this.token !== undefined) {
      this.token = undefined;
      this.link.claim(undefined);
    } else if (next === "wait") {
      this.lose({ text, leastSeconds: 5 });
    } else {
      this.end({ text, detail: text === "endedRefused" ? message : "" });
    }
  }

  /** A guest's picture is the visitor's: `id` is what they watch, if anything. */
  follow(id: string | undefined): void {
    if (this.phase.name === "ended" || this.phase.name === "reconnecting") {
      return;
    }
    this.places = "given";
    if (id === undefined) {
      this.cancelTimer();
      if (this.isSubscribed()) {
        this.link.keepStill();
      }
      this.enter({ name: "awaiting" });
    } else if (id !== this.current || !this.isSubscribed()) {
      this.subscribe(id);
    }
  }

  /** There is nothing here for this visitor, or no more: the page says so and stays. */
  dismiss(text: TextKey, title: TextKey): void {
    this.end({ text, detail: "" }, title);
  }

  /** The server gives out no places: the visitor chooses among the streamers there are. */
  private choose(): void {
    this.places = "none";
    if (this.early) {
      this.listed(this.early);
    }
  }

  /** The visitor does something: servers end sessions that nobody uses. */
  used(): void {
    const now = this.clock.now();
    const isIdle = this.warning?.isIdle ?? false;
    const isDue = now - this.reportedAt >= INPUT_INTERVAL || isIdle;
    if (this.places !== "given" || this.phase.name !== "playing" || !isDue) {
      return;
    }
    this.reportedAt = now;
    this.link.reportInput();
    if (isIdle) {
      this.warning = undefined;
      this.onPhase(this.phase);
    }
  }

  /** The visitor picked a streamer. */
  pick(id: string): void {
    this.wanted = id;
    if (id !== this.current || !this.isSubscribed()) {
      this.subscribe(id);
    }
  }

  /** The server refused the subscription, with a message for people. */
  refused(problem: string): void {
    const others = this.streamers.filter((id) => id !== this.current);
    this.refusals += 1;
    this.enter({ name: "waiting", wanted: this.current, others, problem });
    this.deadline(
      retryDelay(this.refusals, () => this.clock.random()),
      () => this.ask(),
    );
  }

  /** The streamer goes by another name now. */
  renamed(id: string): void {
    this.current = id;
    this.wanted = this.wanted === undefined ? undefined : id;
    if (this.phase.name === "playing" || this.phase.name === "blocked") {
      this.enter({ name: this.phase.name, streamer: id });
    }
  }

  /** The picture moves. */
  played(): void {
    if (this.current !== undefined && this.isSubscribed()) {
      this.attempt = 0;
      this.refusals = 0;
      this.wanted = this.places === "given" ? this.wanted : this.current;
      this.enter({ name: "playing", streamer: this.current });
      this.lookAgain();
    }
  }

  /** The browser wants a click before it plays. */
  blocked(): void {
    if (this.current !== undefined) {
      this.cancelTimer();
      this.enter({ name: "blocked", streamer: this.current });
    }
  }

  /** The server closed the socket, or the network did. */
  closed(closing: Closing): void {
    if (this.phase.name === "ended" || this.phase.name === "reconnecting") {
      return;
    }
    const meaning = meaningOf(closing);
    if (meaning.final) {
      this.end(meaning);
    } else if (isRemoval(closing) && this.isRemovedAgain()) {
      this.end({ ...meaning, text: "endedKicked" });
    } else {
      this.lose(meaning);
    }
  }

  /** A player removed twice in a short time is not wanted; once may be a media fault. */
  private isRemovedAgain(): boolean {
    const before = this.removedAt;
    this.removedAt = this.clock.now();
    return this.removedAt - before < REMOVAL_WINDOW;
  }

  /** There is no way to the streamer any more, though the server may still be there. */
  mediaLost(): void {
    if (this.isSubscribed()) {
      this.lose({ text: "lostMedia" });
    }
  }

  /** Negotiates anew with the same streamer, as a microphone needs. */
  restart(): void {
    if (this.current !== undefined && this.isSubscribed()) {
      this.subscribe(this.current);
    }
  }

  /** The network may be back: no more waiting. */
  hurry(): void {
    if (this.phase.name === "reconnecting") {
      this.connect();
    }
  }

  /** Looks for streamers that come while one plays, unless the server chooses. */
  private lookAgain(): void {
    this.cancelTimer();
    if (this.places !== "given") {
      this.deadline(LOOK_INTERVAL, () => this.link.list());
    }
  }

  private ask(): void {
    if (this.places === "given") {
      this.link.claim(undefined);
    } else {
      this.link.list();
    }
  }

  private subscribe(id: string): void {
    this.current = id;
    this.enter({ name: "starting", streamer: id });
    this.deadline(START_DEADLINE, () => this.lose({ text: "lostNoPicture" }));
    this.link.subscribe(id);
  }

  private poll(phase: Phase): void {
    this.enter(phase);
    this.deadline(POLL_INTERVAL, () => {
      this.deadline(LIST_DEADLINE, () => this.lose({ text: "lostNoAnswer" }));
      this.link.list();
    });
  }

  private lose({ text, detail = "", leastSeconds = 0 }: Loss): void {
    this.link.drop();
    const wait = retryDelay(this.attempt, () => this.clock.random(), leastSeconds);
    this.attempt += 1;
    this.warning = undefined;
    this.enter({ name: "reconnecting", at: this.clock.now() + wait, text, detail });
    this.deadline(wait, () => this.connect());
  }

  private end(meaning: Pick<Meaning, "text" | "detail">, title?: TextKey): void {
    this.cancelTimer();
    this.attempt = 0;
    this.warning = undefined;
    this.link.drop();
    const { text, detail } = meaning;
    this.enter({ name: "ended", text, detail, ...(title === undefined ? {} : { title }) });
  }

  private isSubscribed(): boolean {
    return ["starting", "blocked", "playing"].includes(this.phase.name);
  }

  private deadline(ms: number, action: () => void): void {
    this.cancelTimer();
    this.cancelTimer = this.clock.after(ms, action);
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.onPhase(phase);
  }
}
