import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type PageLocation,
  signallingUrl,
  streamerInAddress,
  wishInAddress,
  withoutSession,
  withStreamer,
} from "../src/address";

const at = (url: string): PageLocation => new URL(url);

test("the socket goes to the page's own host and folder", () => {
  assert.equal(signallingUrl(at("http://host:8080/")), "ws://host:8080/?resume=1");
  assert.equal(signallingUrl(at("https://host/show/room/")), "wss://host/show/room/?resume=1");
  assert.equal(signallingUrl(at("https://host/show/index.html")), "wss://host/show/?resume=1");
});

test("the socket's query carries what the server admits by, and nothing else", () => {
  const page = at("https://host/?token=a%2Bb&StreamerId=One&session=s&ss=wss://elsewhere");
  assert.equal(signallingUrl(page), "wss://host/?token=a%2Bb&session=s&resume=1");
});

test("resuming can be switched off in the page's address", () => {
  assert.equal(signallingUrl(at("https://host/?resume=0")), "wss://host/?resume=0");
});

test("a streamer in the address is found whatever its case, and an empty one is none", () => {
  assert.equal(streamerInAddress("?streamerid=One%20Two"), "One Two");
  assert.equal(streamerInAddress("?StreamerId="), undefined);
  assert.equal(streamerInAddress("?other=1"), undefined);
});

test("picking a streamer replaces the one in the address and leaves the rest", () => {
  assert.equal(withStreamer("?a=1&streamerid=Old", "New & old"), "?a=1&StreamerId=New+%26+old");
});

test("the address says what a visitor wants, and forgets a session that is over", () => {
  const search = "?application=car&region=eu&session=abc&debug";
  assert.deepEqual(wishInAddress(search), { application: "car", region: "eu" });
  assert.deepEqual(wishInAddress("?version=2&label.tier=gold&profile="), {
    requirements: { version: "2", tier: "gold" },
  });
  assert.equal(withoutSession(search), "?application=car&region=eu&debug=");
  assert.equal(withoutSession("?session=abc"), "");
});
