import { retryDelay } from "./backoff";
import type { Closing } from "./closing";
import type { Clock } from "./session";

/** As much of a WebSocket as is used here. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: ((event: Closing) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** `attached`: in use; `away`: broken, between two attempts; `resuming`: an attempt runs. */
type Stage = "opening" | "attached" | "away" | "resuming" | "closed";

const BROKEN = 1006; // no close frame came (RFC 6455, 7.1.5)
const KEPT_MESSAGES = 150; // fewer than a server takes at once
const ATTEMPT_DEADLINE = 5_000; // a new network may hold a handshake for ever
const QUIET = 15_000; // the page asks for the list every ten seconds while it plays
const ANSWER_DEADLINE = 8_000;
const ATTEMPT_SHARE = 1 / 8; // of the page's own waits: 125 ms, 250 ms, ... 4 s

/**
 * A WebSocket that outlives its connection: when the network breaks it, a new one takes its place
 * and both sides send what the other missed. Whoever uses it notices nothing. With a server that
 * sends no `resumeToken` it is a WebSocket like any other.
 *
 * Only a broken connection is mended; a close frame from either side ends it. `docs/resume.md`
 * describes the messages.
 */
export class ResumingSocket implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: Closing) => void) | null = null;
  /** The connection broke; another may take its place. */
  onaway: (() => void) | null = null;
  readyState: number = 0; // as WebSocket: 0 connecting, 1 open, 2 closing, 3 closed

  private stage: Stage = "opening";
  private wire: Wire | undefined;
  private token = "";
  private graceMs = 0;
  private giveUpAt = 0;
  private attempt = 0;
  private isLeaving = false;
  private received = 0;
  private sent = 0;
  private readonly kept: string[] = [];
  private heardAt = 0;
  private cancelTimer: () => void = () => {};
  private cancelWatch: () => void = () => {};

  constructor(
    private readonly openWire: () => Wire,
    private readonly clock: Clock,
  ) {
    this.open("opening");
  }

  send(text: string): void {
    if (this.readyState !== 1) {
      return;
    }
    this.sent += 1;
    this.kept.push(text);
    if (this.kept.length > KEPT_MESSAGES) {
      this.kept.shift();
    }
    if (this.stage === "attached") {
      this.wire?.send(text);
    }
  }

  /** Says goodbye; while away as soon as there is a connection again, so that no place is held. */
  close(code = 1000, reason = ""): void {
    if (this.readyState >= 2) {
      return;
    }
    if (this.stage === "away" || this.stage === "resuming") {
      this.isLeaving = true;
      this.readyState = 3;
      this.onclose?.({ code, reason });
    } else {
      this.readyState = 2;
      this.wire?.close(code, reason);
    }
  }

  /** The network may have changed: what is open now may be dead and not know it. */
  hurry(): void {
    if (this.token && this.stage !== "closed") {
      this.leaveWire();
      this.attempt = 0;
      this.goAway();
    }
  }

  private open(stage: "opening" | "resuming"): void {
    this.stage = stage;
    const wire = this.openWire();
    this.wire = wire;
    wire.onopen = () => this.opened(stage);
    wire.onmessage = ({ data }) => this.take(data);
    wire.onerror = () => stage === "opening" && this.onerror?.();
    wire.onclose = (closing) => this.wireClosed(closing);
  }

  private opened(stage: "opening" | "resuming"): void {
    if (stage === "resuming") {
      const { token, received } = this;
      this.wire?.send(JSON.stringify({ type: "resume", token, received }));
    } else {
      this.stage = "attached";
      this.readyState = 1;
      this.onopen?.();
    }
  }

  private take(data: unknown): void {
    this.heardAt = this.clock.now();
    const message = parsed(data);
    if (this.stage === "resuming") {
      this.takeAnswer(message);
    } else {
      this.received = message.type === "config" ? 1 : this.received + 1;
      if (message.type === "resumeToken") {
        this.takeToken(message);
      } else {
        this.onmessage?.({ data });
      }
    }
  }

  private takeToken({ token, graceSeconds }: Message): void {
    this.token = typeof token === "string" ? token : "";
    this.graceMs = 1000 * (typeof graceSeconds === "number" ? graceSeconds : 30);
    this.watch(QUIET);
  }

  /** What a server says before it knows who comes is not for this conversation. */
  private takeAnswer({ type, of, received }: Message): void {
    if (type === "error" && of === "resume") {
      this.end({ code: BROKEN, reason: "" });
    } else if (type === "resumed" && typeof received === "number") {
      this.resumed(received);
    }
  }

  private resumed(received: number): void {
    const missed = this.sent - received;
    if (this.isLeaving) {
      this.wire?.close(1000);
      this.end({ code: 1000, reason: "" });
    } else if (missed < 0 || missed > this.kept.length) {
      this.wire?.close(1000);
      this.end({ code: BROKEN, reason: "" });
    } else {
      this.cancelTimer();
      this.stage = "attached";
      this.attempt = 0;
      const unheard = this.kept.slice(this.kept.length - missed);
      unheard.forEach((text) => this.wire?.send(text));
      this.watch(QUIET);
    }
  }

  private wireClosed(closing: Closing): void {
    const canResume = this.token !== "" && this.readyState !== 2;
    if (closing.code === BROKEN && canResume) {
      this.goAway();
    } else {
      this.end(closing);
    }
  }

  /** Tries at once the first time, then ever more slowly until the server has given up too. */
  private goAway(): void {
    this.cancelTimer();
    this.cancelWatch();
    const now = this.clock.now();
    if (this.stage === "attached") {
      this.attempt = 0;
      this.giveUpAt = now + this.graceMs;
      this.onaway?.();
    }
    this.stage = "away";
    if (now >= this.giveUpAt) {
      this.end({ code: BROKEN, reason: "" });
    } else if (this.attempt === 0) {
      this.tryAgain();
    } else {
      const wait = ATTEMPT_SHARE * retryDelay(this.attempt - 1, () => this.clock.random());
      this.cancelTimer = this.clock.after(wait, () => this.tryAgain());
    }
  }

  private tryAgain(): void {
    this.attempt += 1;
    this.open("resuming");
    this.cancelTimer = this.clock.after(ATTEMPT_DEADLINE, () => {
      this.leaveWire();
      this.goAway();
    });
  }

  /** A network that is gone says nothing: silence is answered by a ping, more of it by a move. */
  private watch(ms: number): void {
    this.cancelWatch();
    this.cancelWatch = this.clock.after(ms, () => this.look());
  }

  private look(): void {
    const quiet = this.clock.now() - this.heardAt;
    if (quiet < QUIET) {
      this.watch(QUIET - quiet);
    } else if (quiet < QUIET + ANSWER_DEADLINE) {
      this.send(JSON.stringify({ type: "ping", time: this.clock.now() }));
      this.watch(ANSWER_DEADLINE);
    } else {
      this.hurry();
    }
  }

  private leaveWire(): void {
    if (this.wire) {
      silence(this.wire);
      this.wire.close();
    }
  }

  private end(closing: Closing): void {
    this.cancelTimer();
    this.cancelWatch();
    this.stage = "closed";
    if (this.wire) {
      silence(this.wire);
    }
    const isNews = this.readyState !== 3;
    this.readyState = 3;
    if (isNews) {
      this.onclose?.(closing);
    }
  }
}

interface Message {
  readonly type?: unknown;
  readonly of?: unknown;
  readonly received?: unknown;
  readonly token?: unknown;
  readonly graceSeconds?: unknown;
}

function parsed(data: unknown): Message {
  try {
    const message: unknown = typeof data === "string" ? JSON.parse(data) : undefined;
    return typeof message === "object" && message !== null ? message : {};
  } catch {
    return {};
  }
}

/** Stops hearing of a socket that is no longer used. */
export function silence(socket: Wire | WebSocket): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onerror = null;
  socket.onclose = null;
}
