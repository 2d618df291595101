import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_TEXTS, languageOf, translator } from "../src/texts";

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

test("both languages fill in the same values, and none is empty", () => {
  for (const [key, english] of Object.entries(ALL_TEXTS.en)) {
    const korean = ALL_TEXTS.ko[key as keyof typeof ALL_TEXTS.ko];
    assert.deepEqual(placeholders(korean), placeholders(english), key);
    assert.notEqual(korean.trim(), "", key);
  }
});

test("the first language of the browser that the page speaks wins, else English", () => {
  assert.equal(languageOf(["ko-KR", "en-US"]), "ko");
  assert.equal(languageOf(["fr", "ko"]), "ko");
  assert.equal(languageOf(["en-GB", "ko"]), "en");
  assert.equal(languageOf(["ja"]), "en");
  assert.equal(languageOf([]), "en");
});

test("values are filled in as they are", () => {
  const translate = translator("en");
  assert.equal(translate("waitingFor", { name: "{seconds} <b>" }), "Waiting for {seconds} <b>");
});
