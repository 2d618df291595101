import assert from "node:assert/strict";
import { test } from "node:test";
import { type Doorstep, Entry, linkTo, Refused } from "../src/guests/entry";
import type { Said } from "../src/guests/messages";
import { Room } from "../src/guests/room";
import { InputGate } from "../src/inputgate";

/** A room without a page: what was sent, and what it showed. */
function roomOf(isGuest: boolean): { room: Room; sent: object[]; said: string[] } {
  const sent: object[] = [];
  const said: string[] = [];
  const screen = {
    changed: (): void => undefined,
    told: (all: readonly Said[]): void => {
      said.splice(0, said.length, ...all.map(({ text }) => text));
    },
    invited: (): void => undefined,
    failed: (): void => undefined,
  };
  const room = new Room({ send: (message) => sent.push(message) }, screen, isGuest);
  return { room, sent, said };
}

const PEOPLE = [
  { playerId: "V", role: "visitor", name: "Ada", here: true },
  { playerId: "G", role: "guest", name: "", here: true },
];

const state = (you: string, inputHolder: string): Record<string, unknown> => ({
  you,
  role: you === "V" ? "visitor" : "guest",
  people: PEOPLE,
  inputHolder,
  streamerId: "Kiosk",
});

test("a visitor steers from the start, a guest only with the input in hand", () => {
  const { room: visitor } = roomOf(false);
  const { room: guest } = roomOf(true);
  assert.deepEqual([visitor.hasInput, guest.hasInput], [true, false]);
  for (const [holder, expected] of [
    ["V", [true, false]],
    ["G", [false, true]],
  ] as const) {
    visitor.hear(state("V", holder));
    guest.hear(state("G", holder));
    assert.deepEqual([visitor.hasInput, guest.hasInput], expected);
  }
});

test("a guest whose connection breaks steers no more, a visitor takes the input back alone", () => {
  const { room: guest } = roomOf(true);
  guest.hear(state("G", "G"));
  guest.lost();
  assert.equal(guest.hasInput, false);
  const { room: visitor, sent } = roomOf(false);
  visitor.hear(state("V", "G"));
  visitor.take();
  assert.equal(visitor.hasInput, true);
  assert.deepEqual(sent, [{ type: "inputTake" }]);
});

test("a holder that nobody knows leaves the visitor in charge", () => {
  const { room } = roomOf(false);
  room.hear(state("V", "gone"));
  assert.equal(room.hasInput, true);
});

test("what was said is replaced by the history and added to by messages", () => {
  const { room, said } = roomOf(true);
  room.heardHistory({ messages: [{ text: "a" }, { text: "b" }, 5] });
  room.heardSaid({ text: "c" });
  assert.deepEqual(said, ["a", "b", "c"]);
  assert.equal(room.say("  "), false);
});

/** The library's sender, with a gate before it. */
function gated(isGuest: boolean): {
  gate: InputGate;
  send: (type: string, data?: (number | string)[]) => void;
  got: string[];
} {
  const got: string[] = [];
  const sender = {
    sendMessageToStreamer: (type: string, data: (number | string)[] = []): void => {
      got.push([type, ...data].join(" "));
    },
  };
  const gate = new InputGate(sender, isGuest);
  return { gate, got, send: (type, data) => sender.sendMessageToStreamer(type, data) };
}

test("a closed gate lets the stream's affairs through and nothing that a person does", () => {
  const { gate, send, got } = gated(false);
  gate.close();
  for (const type of ["KeyDown", "MouseMove", "UIInteraction", "XRSystem", "TextboxEntry"]) {
    send(type, [1]);
  }
  send("RequestInitialSettings");
  send("RequestQualityControl");
  assert.deepEqual(got, ["RequestInitialSettings", "RequestQualityControl"]);
});

test("a guest sets no quality and runs no command, even with the input in hand", () => {
  const { gate, send, got } = gated(true);
  gate.open();
  send("RequestQualityControl");
  send("Command", ["r.SetRes"]);
  send("KeyPress", [65]);
  assert.deepEqual(got, ["KeyPress 65"]);
});

test("what is held down when the gate closes is let go of", () => {
  const { gate, send, got } = gated(false);
  send("KeyDown", [87, 0]);
  send("KeyDown", [87, 1]);
  send("KeyDown", [65, 0]);
  send("KeyUp", [65]);
  send("MouseDown", [0, 10, 20]);
  send("TouchStart", [1, 5, 6, 3, 255, 1]);
  send("GamepadButtonPressed", [0, 4, 0]);
  got.length = 0;
  gate.close();
  assert.deepEqual(got, [
    "KeyUp 87",
    "MouseUp 0 10 20",
    "TouchEnd 1 5 6 3 255 1",
    "GamepadButtonReleased 0 4 0",
  ]);
});

/** A tab that was opened at `hash`. */
function tab(
  hash: string,
  memory: unknown,
  answer: () => Response,
): Doorstep & { kept: unknown[] } {
  const kept: unknown[] = [];
  const remember = (value: object | null): void => void kept.push(value);
  const exchange = (): Promise<Response> => Promise.resolve(answer());
  return { hash, memory, remember, exchange, kept };
}

const pass = (): Response => Response.json({ pass: "P" }, { status: 201 });

test("a link is taken out of the address and exchanged for a pass", async () => {
  const doorstep = tab("#invite=T", null, pass);
  const entry = Entry.at(doorstep);
  await entry?.enter();
  assert.deepEqual(entry?.protocols, ["guest", "P"]);
  assert.deepEqual(doorstep.kept, [{ guest: "T" }, { guest: "P" }]);
});

test("a reload comes by its pass, and a page without either is nobody's guest", () => {
  assert.deepEqual(Entry.at(tab("", { guest: "P" }, pass))?.protocols, ["guest", "P"]);
  assert.equal(Entry.at(tab("#top", null, pass)), undefined);
  assert.equal(Entry.at(tab("", { guest: 5 }, pass)), undefined);
});

test("a refusal is final or passes, by its code", async () => {
  const refusing = (code: string, status: number): Entry | undefined =>
    Entry.at(tab("#invite=T", null, () => Response.json({ error: { code } }, { status })));
  await assert.rejects(async () => refusing("invite_expired", 410)?.enter(), Refused);
  const busy = refusing("too_many_attempts", 429)?.enter();
  await assert.rejects(
    async () => busy,
    (problem) => !(problem instanceof Refused),
  );
});

test("the link to share has nothing of the page's query", () => {
  const page = { origin: "https://x.example", pathname: "/show/" };
  assert.equal(linkTo(page, "T"), "https://x.example/show/#invite=T");
});
