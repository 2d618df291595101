import assert from "node:assert/strict";
import { test } from "node:test";
import { type Health, Watchdog } from "../src/watchdog";

function watch(pulses: readonly [RTCPeerConnectionState, number][]): Health[] {
  const watchdog = new Watchdog();
  return pulses.map(([connection, framesDecoded]) =>
    watchdog.see({ connection, framesDecoded }),
  );
}

test("moving frames are good, however few", () => {
  const seen = watch([
    ["connected", 0],
    ["connected", 1],
    ["connected", 2],
  ]);
  assert.deepEqual(seen, ["good", "good", "good"]);
});

test("a picture that stands for four seconds is stalled, and good again when it moves", () => {
  const still = Array.from({ length: 5 }, (): [RTCPeerConnectionState, number] => [
    "connected",
    7,
  ]);
  const seen = watch([...still, ["connected", 8]]);
  assert.deepEqual(seen, ["good", "good", "good", "good", "stalled", "good"]);
});

test("a failed connection is lost at once", () => {
  assert.deepEqual(watch([["failed", 3]]), ["lost"]);
});

test("a disconnected one is lost after eight seconds, unless it recovers", () => {
  const apart = (count: number): [RTCPeerConnectionState, number][] =>
    Array.from({ length: count }, (_, index) => ["disconnected", index]);
  assert.equal(watch(apart(8)).at(-1), "lost");
  const recovered = watch([...apart(7), ["connected", 50], ...apart(7)]);
  assert.ok(!recovered.includes("lost"));
});

test("a new connection starts with a clean sheet", () => {
  const watchdog = new Watchdog();
  for (let second = 0; second < 10; second += 1) {
    watchdog.see({ connection: "connected", framesDecoded: 5 });
  }
  watchdog.reset();
  assert.equal(watchdog.see({ connection: "connected", framesDecoded: 5 }), "good");
});
