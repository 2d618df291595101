import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelay } from "../src/backoff";

const none = (): number => 0;

test("waits grow from one second to thirty and stay there", () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => retryDelay(attempt, none));
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000]);
});

test("waits vary, so that pages do not all come at once", () => {
  assert.equal(
    retryDelay(0, () => 1),
    1250,
  );
});

test("a server that asks for time gets it", () => {
  assert.equal(retryDelay(0, none, 8), 8000);
  assert.equal(retryDelay(5, none, 8), 30000);
});
