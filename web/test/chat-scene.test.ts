import assert from "node:assert/strict";
import { test } from "node:test";
import { descriptorOf, type Progress, SceneActions } from "../src/chat/scene";
import { HandClock } from "./handclock";

const show = (ueAsset: string) => ({ action: "showProduct", arguments: { ueAsset } });

function begin(isOpen = true) {
  const sent: object[] = [];
  const told: Progress[] = [];
  const link = {
    isOpen,
    interact(descriptor: object): boolean {
      return link.isOpen && sent.push(descriptor) > 0;
    },
  };
  const clock = new HandClock();
  const scene = new SceneActions(link, clock, (progress) => told.push(progress));
  const states = (): string[] => told.map(({ state }) => state);
  return { scene, sent, told, states, link, clock };
}

test("an action goes to the scene, and the scene's answer to whoever asked", () => {
  const { scene, sent, states } = begin();
  scene.do(show("/Game/Sofa"));
  assert.deepEqual(sent, [{ ueAsset: "/Game/Sofa", action: "showProduct" }]);
  scene.answered('{"type":"showProduct","accepted":true,"ueAsset":"/Game/Sofa"}');
  assert.deepEqual(states(), ["sent", "accepted"]);
});

test("actions wait for the data channel; of two products the later one is shown", () => {
  const { scene, sent, states, link } = begin(false);
  scene.do(show("a"));
  scene.do({ action: "setStyle", arguments: { style: "modern" } });
  scene.do(show("b"));
  assert.deepEqual(sent, []);
  link.isOpen = true;
  scene.ready();
  scene.ready();
  assert.deepEqual(sent, [
    { style: "modern", action: "setStyle" },
    { ueAsset: "b", action: "showProduct" },
  ]);
  assert.deepEqual(states(), ["kept", "kept", "kept", "sent", "sent"]);
});

test("actions that still cannot be sent stay kept, and not without bound", () => {
  const { scene, sent, link } = begin(false);
  for (let number = 0; number < 20; number += 1) {
    scene.do({ action: `action${number}`, arguments: {} });
  }
  scene.ready();
  link.isOpen = true;
  scene.ready();
  assert.equal(sent.length, 8);
  assert.deepEqual(sent.at(-1), { action: "action19" });
});

test("a refusal is told with the scene's words, cut to a line", () => {
  const { scene, told } = begin();
  scene.do(show("a"));
  const reason = "x".repeat(1000);
  scene.answered(JSON.stringify({ type: "showProduct", accepted: false, reason }));
  assert.equal(told.at(-1)?.state, "refused");
  assert.equal(told.at(-1)?.words.length, 200);
});

test("plain words count for the only action that waits", () => {
  const { scene, told } = begin();
  scene.answered("hello");
  scene.do(show("a"));
  scene.answered("done");
  assert.deepEqual(
    [told.at(-1)?.state, told.at(-1)?.words, told.length],
    ["accepted", "done", 2],
  );
});

test("answers to something else, or to a product shown before, are not taken", () => {
  const { scene, states } = begin();
  scene.do(show("a"));
  scene.do(show("b"));
  scene.answered('{"type":"reportState"}');
  scene.answered('{"type":"showProduct","accepted":true,"ueAsset":"a"}');
  assert.deepEqual(states(), ["sent", "sent"]);
  scene.answered('{"type":"showProduct","accepted":true,"ueAsset":"b"}');
  assert.deepEqual(states(), ["sent", "sent", "accepted"]);
});

test("an answer that comes much later belongs to nothing", () => {
  const { scene, states, clock } = begin();
  scene.do(show("a"));
  clock.pass(5_000);
  scene.answered("done");
  assert.deepEqual(states(), ["sent"]);
});

test("an argument cannot rename the action", () => {
  const action = { action: "showProduct", arguments: { action: "quit" } };
  assert.deepEqual(descriptorOf(action), { action: "showProduct" });
});
