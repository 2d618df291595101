import assert from "node:assert/strict";
import { test } from "node:test";
import type { Closing } from "../src/closing";
import { ResumingSocket, type Wire } from "../src/resuming";
import { StoppedClock } from "./clock";

/** One connection, as the page holds it: what was sent, and ways to let things happen. */
class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: Closing) => void) | null = null;
  readonly sent: string[] = [];
  closedWith: number | undefined;

  send(text: string): void {
    this.sent.push(text);
  }

  close(code = 1005): void {
    this.closedWith = code;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  break(): void {
    this.onclose?.({ code: 1006, reason: "" });
  }
}

/** A socket above fake connections, and everything its user heard. */
class Setting {
  readonly clock = new StoppedClock();
  readonly wires: FakeWire[] = [];
  readonly heard: string[] = [];
  readonly closings: Closing[] = [];
  readonly socket: ResumingSocket;

  constructor({ resumable = true } = {}) {
    this.socket = new ResumingSocket(() => this.open(), this.clock);
    this.socket.onmessage = ({ data }) => this.heard.push(String(data));
    this.socket.onclose = (closing) => this.closings.push(closing);
    this.wire.onopen?.();
    this.wire.say({ type: "config" });
    if (resumable) {
      this.wire.say({ type: "resumeToken", token: "t", graceSeconds: 30 });
    }
  }

  get wire(): FakeWire {
    const last = this.wires.at(-1);
    assert.ok(last);
    return last;
  }

  /** Lets the new connection open and the server go on. */
  resume(received: number): void {
    this.wire.onopen?.();
    this.wire.say({ type: "resumed", received });
  }

  private open(): FakeWire {
    const wire = new FakeWire();
    this.wires.push(wire);
    return wire;
  }
}

test("a broken connection is replaced, and each side sends what the other missed", () => {
  const at = new Setting();
  at.socket.send("one");
  at.socket.send("two");
  at.wire.break();
  at.socket.send("three");
  assert.equal(at.wires.length, 2);
  at.wire.onopen?.();
  assert.deepEqual(JSON.parse(at.wire.sent[0] ?? ""), {
    type: "resume",
    token: "t",
    received: 2,
  });
  at.wire.say({ type: "resumed", received: 1 });
  at.wire.say({ type: "offer" });
  assert.deepEqual(at.wire.sent.slice(1), ["two", "three"]);
  assert.deepEqual(at.heard, ['{"type":"config"}', '{"type":"offer"}']);
  assert.deepEqual(at.closings, []);
  at.wire.break();
  at.wire.onopen?.();
  assert.equal(JSON.parse(at.wire.sent[0] ?? "").received, 3);
});

test("a server that greets before it knows who comes is not heard", () => {
  const at = new Setting();
  at.wire.break();
  at.wire.onopen?.();
  at.wire.say({ type: "config" });
  at.wire.say({ type: "resumeToken", token: "other" });
  at.wire.say({ type: "resumed", received: 0 });
  at.wire.break();
  at.wire.onopen?.();
  assert.deepEqual(JSON.parse(at.wire.sent[0] ?? ""), {
    type: "resume",
    token: "t",
    received: 2,
  });
});

test("attempts go on until the server has given up too", () => {
  const at = new Setting();
  at.wire.break();
  for (let second = 0; second < 29; second += 1) {
    at.wire.break();
    at.clock.pass(1000);
  }
  assert.ok(at.wires.length >= 6, `${at.wires.length} attempts`);
  assert.deepEqual(at.closings, []);
  at.clock.pass(20_000);
  assert.deepEqual(at.closings, [{ code: 1006, reason: "" }]);
  assert.equal(at.socket.readyState, 3);
});

test("a server that does not know the conversation any more ends it", () => {
  const at = new Setting();
  at.wire.break();
  at.wire.onopen?.();
  at.wire.say({ type: "error", of: "resume", code: "resume_expired" });
  assert.deepEqual(at.closings, [{ code: 1006, reason: "" }]);
});

test("a close frame is the end, also on the way back", () => {
  for (const onTheWay of [false, true]) {
    const at = new Setting();
    if (onTheWay) {
      at.wire.break();
    }
    at.wire.onclose?.({ code: 1012, reason: "this server restarts" });
    assert.deepEqual(at.closings, [{ code: 1012, reason: "this server restarts" }]);
    assert.equal(at.wires.length, onTheWay ? 2 : 1);
  }
});

test("without a token it is a socket like any other", () => {
  const at = new Setting({ resumable: false });
  at.socket.hurry();
  at.wire.break();
  assert.deepEqual(at.closings, [{ code: 1006, reason: "" }]);
  assert.equal(at.wires.length, 1);
});

test("a goodbye while away is said as soon as there is a connection", () => {
  const at = new Setting();
  at.wire.break();
  at.socket.close();
  assert.deepEqual(at.closings, [{ code: 1000, reason: "" }]);
  at.resume(0);
  assert.equal(at.wire.closedWith, 1000);
  assert.equal(at.closings.length, 1);
  at.wire.break();
  at.clock.pass(60_000);
  assert.equal(at.wires.length, 2);
});

test("silence is answered by a ping, more silence by another connection", () => {
  const at = new Setting();
  at.clock.pass(15_000);
  assert.equal(JSON.parse(at.wire.sent[0] ?? "").type, "ping");
  at.wire.say({ type: "pong" });
  at.clock.pass(15_000);
  assert.equal(at.wire.sent.length, 2);
  at.clock.pass(8_000);
  assert.equal(at.wires.length, 2);
  assert.equal(at.wires[0]?.closedWith, 1005);
});

test("when the network comes back, the connection is moved at once", () => {
  const at = new Setting();
  at.socket.hurry();
  at.resume(0);
  assert.equal(at.wires.length, 2);
  at.socket.send("on");
  assert.deepEqual(at.wire.sent.slice(1), ["on"]);
});

test("more than is kept cannot be made up for", () => {
  const at = new Setting();
  at.wire.break();
  for (let number = 0; number < 200; number += 1) {
    at.socket.send(String(number));
  }
  at.resume(0);
  assert.deepEqual(at.closings, [{ code: 1006, reason: "" }]);
});

test("an attempt that hangs is followed by another", () => {
  const at = new Setting();
  at.wire.break();
  at.clock.pass(5_200);
  assert.equal(at.wires.length, 3);
});
