import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf, waitText } from "../src/place";

test("an estimate is told in whole minutes, and not at all when there is none", () => {
  assert.deepEqual(waitText(null), { text: "queuedUnknown", values: {} });
  assert.deepEqual(waitText(20), { text: "queuedSoon", values: {} });
  assert.deepEqual(waitText(150), { text: "queuedMinutes", values: { minutes: 3 } });
});

test("a refusal the page does not know may pass", () => {
  assert.equal(refusalOf("state_unavailable").next, "wait");
});
