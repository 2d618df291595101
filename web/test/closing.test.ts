import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf } from "../src/closing";

const isFinal = (code: number, reason = ""): boolean => meaningOf({ code, reason }).final;

test("the page comes back after everything that may pass", () => {
  for (const code of [1000, 1005, 1006, 1012, 1013, 4004, 4008, 4999]) {
    assert.equal(isFinal(code), false, `code ${code}`);
  }
});

test("the page stays away when the session is over", () => {
  for (const code of [1001, 1008, 4001, 4002, 4003, 4005]) {
    assert.equal(isFinal(code), true, `code ${code}`);
  }
});

test("1011 with a reason is the streamer's doing, without one the server's fault", () => {
  assert.equal(meaningOf({ code: 1011, reason: "make room" }).text, "lostRemoved");
  assert.equal(meaningOf({ code: 1011, reason: "make room" }).detail, "make room");
  assert.equal(meaningOf({ code: 1011, reason: "Internal error" }).text, "lostServerError");
  assert.equal(isFinal(1011), false);
});

test("who is sent away by an operator is told that, not of another window", () => {
  const meaning = meaningOf({ code: 4003, reason: "disconnected by the operator" });
  assert.equal(meaning.text, "endedOperator");
  assert.equal(meaning.detail, "");
  assert.equal(meaning.final, true);
  assert.equal(meaningOf({ code: 4003, reason: "" }).text, "endedTaken");
});

test("the words of the close frame are shown at an end", () => {
  assert.equal(meaningOf({ code: 1001, reason: "Closing time" }).detail, "Closing time");
  assert.equal(meaningOf({ code: 4004, reason: "streamer gone" }).detail, "");
});

test("a page that sent too much keeps away for a while", () => {
  assert.equal(meaningOf({ code: 4008, reason: "" }).leastSeconds, 30);
});
