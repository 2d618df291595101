import type { Clock } from "../src/session";

/** A clock that stands until a test moves it. */
export class StoppedClock implements Clock {
  private time = 0;
  private readonly timers = new Map<() => void, number>();

  now(): number {
    return this.time;
  }

  after(ms: number, action: () => void): () => void {
    const timer = (): void => action();
    this.timers.set(timer, this.time + ms);
    return () => this.timers.delete(timer);
  }

  random(): number {
    return 0;
  }

  /** Moves on by `ms`, running what falls due in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (let next = this.due(end); next; next = this.due(end)) {
      const [timer, at] = next;
      this.time = at;
      this.timers.delete(timer);
      timer();
    }
    this.time = end;
  }

  private due(end: number): [() => void, number] | undefined {
    const waiting = [...this.timers].filter(([, at]) => at <= end);
    return waiting.sort(([, one], [, other]) => one - other)[0];
  }
}
