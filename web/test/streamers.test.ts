import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseStreamer } from "../src/streamers";

test("the only streamer is joined unasked", () => {
  assert.deepEqual(chooseStreamer(["One"], {}), { kind: "join", id: "One" });
});

test("without streamers the page waits", () => {
  assert.deepEqual(chooseStreamer([], { remembered: "One" }), { kind: "wait" });
});

test("among several the visitor chooses", () => {
  assert.deepEqual(chooseStreamer(["One", "Two"], {}), { kind: "ask" });
});

test("a remembered streamer is joined when it is there and forgotten when it is not", () => {
  const wish = { remembered: "Two" };
  assert.deepEqual(chooseStreamer(["One", "Two"], wish), { kind: "join", id: "Two" });
  assert.deepEqual(chooseStreamer(["One"], wish), { kind: "join", id: "One" });
  assert.deepEqual(chooseStreamer(["One", "Three"], wish), { kind: "ask" });
});

test("a wanted streamer is waited for, whatever else is there", () => {
  assert.deepEqual(chooseStreamer(["One"], { wanted: "Two" }), { kind: "wait" });
  const both = { wanted: "Two", remembered: "One" };
  assert.deepEqual(chooseStreamer(["One", "Two"], both), { kind: "join", id: "Two" });
});
