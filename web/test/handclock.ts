import type { Clock } from "../src/session";

/** A clock that a test moves. */
export class HandClock implements Clock {
  private time = 0;
  private readonly timers = new Map<object, { at: number; action: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, action: () => void): () => void {
    const key = {};
    this.timers.set(key, { at: this.time + ms, action });
    return () => this.timers.delete(key);
  }

  random(): number {
    return 0.5;
  }

  pass(ms: number): void {
    this.time += ms;
    for (const [key, { at, action }] of [...this.timers]) {
      if (at <= this.time && this.timers.delete(key)) {
        action();
      }
    }
  }
}
