import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, rememberedOf } from "../src/chat/messages";
import { advance, cardsOf, newTurn, type Turn, turnsOf } from "../src/chat/turn";

const raw = (...ids: string[]): { products: object[] } => ({
  products: ids.map((id) => ({ id, name: id.toUpperCase(), price: "1", currency: "KRW" })),
});

const withProducts = (...ids: string[]): Turn =>
  advance(newTurn("1", "sofa"), answerOf("chatProducts", raw(...ids)));

const names = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

test("before the answer chose, the first three cards stand open", () => {
  const { first, more } = cardsOf(withProducts("a", "b", "c", "d", "e"));
  assert.deepEqual(names(first), ["a", "b", "c"]);
  assert.deepEqual(names(more), ["d", "e"]);
});

test("what the answer chose stands open in its order, all others behind", () => {
  const turn = advance(
    withProducts("a", "b", "c", "d"),
    answerOf("chatRanked", { ids: ["d", "invented", "b", "d"] }),
  );
  const { first, more } = cardsOf(turn);
  assert.deepEqual(names(first), ["d", "b"]);
  assert.deepEqual(names(more), ["a", "c"]);
});

test("an answer that chose nothing opens no card", () => {
  const turn = advance(withProducts("a", "b"), answerOf("chatRanked", { ids: [] }));
  assert.deepEqual(names(cardsOf(turn).first), []);
});

test("words are put together, and none come after the end", () => {
  let turn = newTurn("1", "sofa");
  for (const text of ["A ", "sofa."]) {
    turn = advance(turn, answerOf("chatDelta", { text }));
  }
  turn = advance(turn, answerOf("chatDone", { degraded: ["model"] }));
  assert.equal(advance(turn, answerOf("chatDelta", { text: " More" })), turn);
  assert.deepEqual([turn.answer, turn.state, turn.degraded], ["A sofa.", "done", true]);
});

test("a fault keeps what was said before it", () => {
  const said = advance(newTurn("1", "sofa"), answerOf("chatDelta", { text: "A so" }));
  const fault = { code: "rate_limited", message: "slow down", retryAfter: 7 };
  const turn = advance(said, answerOf("chatError", fault));
  assert.equal(turn.answer, "A so");
  assert.equal(turn.state, "failed");
  assert.equal(turn.fault?.retryAfter, 7);
});

test("fields of a wrong kind are taken for missing, and items without a name are left out", () => {
  const products = [null, 3, { id: "a" }, { id: "b", name: "B", price: 12, reason: {} }];
  const turn = advance(newTurn("1", "x"), answerOf("chatProducts", { products }));
  assert.deepEqual(names(turn.products), ["b"]);
  assert.deepEqual([turn.products[0]?.price, turn.products[0]?.reason], ["12", ""]);
  for (const type of ["chatRanked", "chatPartners", "chatDone", "chatError"] as const) {
    assert.doesNotThrow(() => advance(turn, answerOf(type, { ids: 1, partners: "x" })));
  }
});

test("an earlier conversation becomes turns, whether or not each line has its partner", () => {
  const lines = rememberedOf([
    { role: "assistant", text: "Hello." },
    { role: "user", text: "sofa", id: "1" },
    { role: "assistant", text: "This one.", id: "1", ...raw("a") },
    { role: "user", text: "cheaper", id: "2" },
    "rubbish",
  ]);
  const turns = turnsOf(lines);
  assert.deepEqual(
    turns.map(({ question, answer }) => [question, answer]),
    [
      ["", "Hello."],
      ["sofa", "This one."],
      ["cheaper", ""],
    ],
  );
  assert.deepEqual(names(turns[1]?.products ?? []), ["a"]);
  assert.ok(turns.every(({ state }) => state === "done"));
});

test("earlier turns keep their cards, partners, thumbs and how they ended", () => {
  const said = { role: "assistant", text: "Look.", id: "1", cancelled: true };
  const partners = [{ id: "p", name: "Atelier", regions: ["Seoul"] }];
  const feedback = [{ productId: "a", helpful: false }, { helpful: true }, { helpful: "yes" }];
  const lines = rememberedOf([
    { role: "user", text: "sofa", id: "1" },
    { ...said, ...raw("a", "b"), partners, feedback },
  ]);
  const [turn] = turnsOf(lines);
  assert.deepEqual(names(turn?.products ?? []), ["a", "b"]);
  assert.deepEqual(names(turn?.partners ?? []), ["p"]);
  assert.deepEqual(turn?.votes, { a: false, "": true });
  assert.equal(turn?.state, "cancelled");
});

test("style, kind and region are in the words that the server has for them", () => {
  const products = [
    { id: "a", name: "A", style: "modern", category: "sofa", labels: { style: "모던" } },
    { id: "b", name: "B", style: "modern", category: "sofa", labels: 7 },
  ];
  const partner = { id: "p", name: "P", kind: "designer", regions: ["서울", "Seoul"] };
  const partners = [{ ...partner, styles: ["modern"], labels: { regions: ["서울"] } }];
  let turn = advance(newTurn("1", "x"), answerOf("chatProducts", { products }));
  turn = advance(turn, answerOf("chatPartners", { partners }));
  assert.deepEqual(
    turn.products.map(({ style, category }) => [style, category]),
    [
      ["모던", "sofa"],
      ["modern", "sofa"],
    ],
  );
  assert.deepEqual(
    [turn.partners[0]?.kind, turn.partners[0]?.regions, turn.partners[0]?.styles],
    ["designer", ["서울"], ["modern"]],
  );
});

test("cards of a better reading take the place of the first ones", () => {
  const better = answerOf("chatProducts", raw("x", "y"));
  assert.deepEqual(names(cardsOf(advance(withProducts("a", "b"), better)).first), ["x", "y"]);
});
