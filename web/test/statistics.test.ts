import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf, formatBitrate, gradeOf, History, type Sample } from "../src/statistics";

const sample = (changes: Partial<Sample> = {}): Sample => ({
  width: 1280,
  height: 720,
  framesPerSecond: 30,
  framesDecoded: 100,
  framesDropped: 0,
  freezeCount: 0,
  bitrateKbps: 4000,
  roundTripMs: 20,
  jitterMs: 2,
  packetsReceived: 1000,
  packetsLost: 0,
  codec: "H264",
  qp: 25,
  route: { isRelayed: false, protocol: "UDP" },
  ...changes,
});

test("loss is the share since the sample before, not since the beginning", () => {
  const before = figuresOf(sample({ packetsReceived: 1000, packetsLost: 100 }), undefined);
  const now = figuresOf(sample({ packetsReceived: 1090, packetsLost: 110 }), before);
  assert.equal(now.lossRatio, 0.1);
});

test("late packets that take losses back do not make a negative share", () => {
  const before = figuresOf(sample({ packetsLost: 10 }), undefined);
  assert.equal(
    figuresOf(sample({ packetsReceived: 1100, packetsLost: 5 }), before).lossRatio,
    0,
  );
});

test("no packets at all are no loss", () => {
  const before = figuresOf(sample(), undefined);
  assert.equal(figuresOf(sample(), before).lossRatio, 0);
});

test("the grade falls with round trip and with loss, the worse of both counts", () => {
  const grade = (changes: Partial<Sample>): number =>
    gradeOf(figuresOf(sample(changes), figuresOf(sample(), undefined)));
  assert.equal(grade({}), 3);
  assert.equal(grade({ roundTripMs: 100 }), 2);
  assert.equal(grade({ roundTripMs: 300 }), 1);
  assert.equal(grade({ packetsReceived: 1090, packetsLost: 10 }), 1);
  assert.equal(grade({ roundTripMs: undefined }), 3);
});

test("bitrates read as people write them", () => {
  assert.equal(formatBitrate(849.6), "850 kbit/s");
  assert.equal(formatBitrate(4230), "4.2 Mbit/s");
});

test("a curve ends at the right edge, keeps to its height, and forgets what is too old", () => {
  const history = new History(3);
  for (const value of [100, 5, 10, 20]) {
    history.add(value);
  }
  assert.deepEqual(history.values, [5, 10, 20]);
  const points = history.points(200, 40).split(" ");
  assert.equal(points.length, 3);
  assert.equal(points.at(-1), `200.0,${(40 * (1 - 20 / 23)).toFixed(1)}`);
});

test("a curve of one value is none", () => {
  const history = new History(3);
  history.add(1);
  assert.equal(history.points(200, 40), "");
});
