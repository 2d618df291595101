import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureUrls, safeUrl } from "../src/chat/link";
import { formatPrice, formatRange } from "../src/chat/money";

test("prices are written as people of the language do", () => {
  assert.equal(formatPrice("1290000", "KRW", "ko"), "₩1,290,000");
  assert.equal(formatPrice("1499.00", "USD", "en"), "$1,499");
  assert.equal(formatPrice("1499.50", "USD", "en"), "$1,499.50");
});

test("what is no price or no currency is shown as it came", () => {
  assert.equal(formatPrice("on request", "KRW", "ko"), "on request");
  assert.equal(formatPrice("", "KRW", "ko"), "");
  assert.equal(formatPrice("12", "points", "en"), "12 points");
});

test("a range may be open at either end", () => {
  const words = {
    from: (price: string) => `from ${price}`,
    upTo: (price: string) => `to ${price}`,
  };
  const range = (from: string, to: string) => formatRange([from, to], (each) => each, words);
  assert.equal(range("3", "20"), "3 – 20");
  assert.equal(range("10", ""), "from 10");
  assert.equal(range("0", "5"), "to 5");
  assert.equal(range("", ""), "");
});

test("only web addresses are followed, relative ones from the page", () => {
  const page = "https://example.com/show/room/";
  assert.equal(safeUrl("demo/a.svg", page), "https://example.com/show/room/demo/a.svg");
  assert.equal(safeUrl("https://shop.example/1", page), "https://shop.example/1");
  for (const url of ["", "javascript:alert(1)", "data:text/html,x", "https://["]) {
    assert.equal(safeUrl(url, page), undefined, url);
  }
});

test("a picture's path from the root is the site's, wherever that is served", () => {
  const page = "https://example.com/show/room/";
  const below = "https://example.com/show/room/demo/images/a.svg";
  const atRoot = "https://example.com/demo/images/a.svg";
  assert.deepEqual(pictureUrls("/demo/images/a.svg", page), [below, atRoot]);
  assert.deepEqual(pictureUrls("/demo/images/a.svg", "https://example.com/"), [atRoot]);
  assert.deepEqual(pictureUrls("https://cdn.example/a.png", page), [
    "https://cdn.example/a.png",
  ]);
  assert.deepEqual(pictureUrls("//cdn.example/a.png", page), ["https://cdn.example/a.png"]);
  for (const path of ["", "javascript:alert(1)", "/\\[", "https://["]) {
    assert.ok(pictureUrls(path, page).every((url) => url.startsWith("https://example.com/")));
  }
});
