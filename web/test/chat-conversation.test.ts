import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChatLink, Conversation } from "../src/chat/conversation";
import { answerOf } from "../src/chat/messages";
import type { Turn } from "../src/chat/turn";
import { HandClock } from "./handclock";

type Sent = { readonly type: string; readonly id?: string; readonly limit?: number };

function begin(isOpen = true) {
  const sent: Sent[] = [];
  const shown: Turn[] = [];
  const past: Turn[] = [];
  const link = { isOpen, send: (message: Sent) => sent.push(message) };
  const screen = {
    showTurn: (turn: Turn) => shown.push(turn),
    showPast: (turns: readonly Turn[]) => past.push(...turns),
  };
  const clock = new HandClock();
  const talk = new Conversation(link as ChatLink, screen, clock, "ko");
  return { talk, sent, shown, past, link, clock };
}

const delta = answerOf("chatDelta", { text: "Yes." });
const done = answerOf("chatDone", {});

test("a question is sent once, with its language, and its answer shown as it grows", () => {
  const { talk, sent, shown } = begin();
  assert.equal(talk.ask("  sofa "), true);
  const id = sent[0]?.id ?? "";
  assert.deepEqual(sent, [{ type: "chat", id, text: "sofa", locale: "ko" }]);
  talk.hear(id, delta);
  talk.hear(id, done);
  assert.deepEqual(
    shown.map(({ answer, state }) => [answer, state]),
    [
      ["", "running"],
      ["Yes.", "running"],
      ["Yes.", "done"],
    ],
  );
  assert.equal(talk.isBusy, false);
});

test("one question at a time, and no empty one", () => {
  const { talk, sent } = begin();
  assert.equal(talk.ask("   "), false);
  assert.equal(talk.ask("one"), true);
  assert.equal(talk.ask("two"), false);
  assert.equal(sent.length, 1);
});

test("a question is kept until the socket is open", () => {
  const { talk, sent, link } = begin(false);
  talk.ask("sofa");
  assert.deepEqual(sent, []);
  link.isOpen = true;
  talk.opened();
  talk.opened();
  assert.equal(sent.length, 1);
});

test("a question that was never sent is given up as not connected", () => {
  const { talk, shown, clock } = begin(false);
  talk.ask("sofa");
  clock.pass(45_000);
  assert.equal(shown.at(-1)?.fault?.code, "not_connected");
  assert.equal(talk.isBusy, false);
});

test("silence ends an answer, each word puts that off", () => {
  const { talk, sent, shown, clock } = begin();
  talk.ask("sofa");
  clock.pass(44_000);
  talk.hear(sent[0]?.id ?? "", delta);
  clock.pass(44_000);
  assert.equal(talk.isBusy, true);
  clock.pass(1_000);
  assert.equal(shown.at(-1)?.fault?.code, "no_answer");
  assert.equal(shown.at(-1)?.answer, "Yes.");
});

test("after a broken socket the rest of the answer comes soon or never", () => {
  const { talk, sent, shown, clock } = begin();
  talk.ask("sofa");
  talk.opened();
  clock.pass(9_000);
  talk.hear(sent[0]?.id ?? "", delta);
  clock.pass(9_000);
  assert.equal(talk.isBusy, true);
  talk.opened();
  clock.pass(10_000);
  assert.equal(shown.at(-1)?.state, "failed");
});

test("cancelling frees the field at once, and later words are not shown", () => {
  const { talk, sent, shown } = begin();
  talk.ask("sofa");
  const id = sent[0]?.id ?? "";
  talk.cancel();
  assert.deepEqual(sent.at(-1), { type: "chatCancel", id });
  talk.hear(id, delta);
  assert.deepEqual([shown.at(-1)?.state, shown.at(-1)?.answer], ["cancelled", ""]);
  assert.equal(talk.isBusy, false);
});

test("a failed question can be asked again under a new name", () => {
  const { talk, sent, clock } = begin();
  talk.ask("sofa");
  const id = sent[0]?.id ?? "";
  talk.hear(id, answerOf("chatError", { code: "busy" }));
  clock.pass(5);
  assert.equal(talk.again(id), true);
  assert.notEqual(sent.at(-1)?.id, id);
});

test("an error without a name is that of the running question", () => {
  const { talk, shown } = begin();
  talk.ask("sofa");
  talk.hear("", answerOf("chatError", { code: "too_long" }));
  assert.equal(shown.at(-1)?.fault?.code, "too_long");
  talk.hear("", answerOf("chatError", { code: "late" }));
  assert.equal(shown.at(-1)?.fault?.code, "too_long");
});

test("earlier messages are asked for once the socket is open, and shown once", () => {
  const { talk, sent, past, link } = begin(false);
  talk.remember();
  assert.deepEqual(sent, []);
  link.isOpen = true;
  talk.opened();
  assert.deepEqual(sent, [{ type: "chatHistory", limit: 20 }]);
  const messages = [{ role: "user", text: "sofa" }];
  talk.heardHistory(messages);
  talk.heardHistory(messages);
  talk.opened();
  assert.equal(past.length, 1);
  assert.equal(sent.length, 1);
});

test("a server that cannot tell yet is asked for earlier messages again", () => {
  const { talk, sent, past, clock } = begin();
  talk.remember();
  talk.historyRefused(undefined);
  talk.historyRefused(2);
  clock.pass(2_000);
  assert.equal(sent.length, 2);
  talk.heardHistory([{ role: "user", text: "sofa" }]);
  talk.historyRefused(2);
  clock.pass(2_000);
  assert.deepEqual([sent.length, past.length], [2, 1]);
});

test("a vote names the product only when it is about one", () => {
  const { talk, sent } = begin();
  talk.vote("1", true);
  talk.vote("1", false, "sofa-01");
  assert.deepEqual(sent, [
    { type: "chatFeedback", id: "1", helpful: true },
    { type: "chatFeedback", id: "1", productId: "sofa-01", helpful: false },
  ]);
});
