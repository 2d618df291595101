import assert from "node:assert/strict";
import { test } from "node:test";
import { type Link, type Phase, Session } from "../src/session";
import { StoppedClock } from "./clock";

/** A page without browser: what the session asked for, and the phases it went through. */
class Page implements Link {
  readonly asked: string[] = [];
  readonly phases: string[] = [];
  readonly clock = new StoppedClock();
  readonly session: Session;

  constructor(
    wanted?: string,
    remembered?: string,
    private readonly givesPlaces = false,
  ) {
    const note = (phase: Phase): number => this.phases.push(phase.name);
    this.session = new Session(this, this.clock, note, wanted, remembered);
    this.session.connect();
  }

  connect(): void {
    this.asked.push("connect");
  }

  drop(): void {
    this.asked.push("drop");
  }

  list(): void {
    this.asked.push("list");
  }

  claim(token: string | undefined): void {
    if (this.givesPlaces) {
      this.asked.push(token === undefined ? "claim" : `claim ${token}`);
    } else {
      const answer = { type: "sessionFailed", code: "not_offered", message: "" } as const;
      this.session.told(answer);
    }
  }

  reportInput(): void {
    this.asked.push("input");
  }

  keepStill(): void {
    this.asked.push("still");
  }

  subscribe(id: string): void {
    this.asked.push(`subscribe ${id}`);
  }

  get phase(): Phase {
    return this.session.phase;
  }

  count(what: string): number {
    return this.asked.filter((each) => each === what).length;
  }

  /** Connects and plays the streamer `id`. */
  play(id = "One"): this {
    this.session.opened();
    this.session.listed([id]);
    this.session.played();
    return this;
  }
}

test("with one streamer the page plays without a question", () => {
  const page = new Page().play();
  assert.deepEqual(page.phases, ["connecting", "starting", "playing"]);
  assert.deepEqual(page.asked, ["connect", "list", "subscribe One"]);
});

test("a server that does not answer is tried again, with longer and longer waits", () => {
  const page = new Page();
  page.clock.pass(10_000);
  assert.deepEqual(page.phase, {
    name: "reconnecting",
    at: 11_000,
    text: "lostNoAnswer",
    detail: "",
  });
  page.clock.pass(1_000 + 10_000);
  assert.deepEqual(page.phase, {
    name: "reconnecting",
    at: 23_000,
    text: "lostNoAnswer",
    detail: "",
  });
  page.clock.pass(3_600_000);
  assert.ok(page.count("connect") > 80, "it goes on after an hour");
});

test("without a streamer the list is asked for every two seconds, for as long as it takes", () => {
  const page = new Page();
  page.session.opened();
  for (let round = 0; round < 500; round += 1) {
    page.session.listed([]);
    page.clock.pass(2_000);
  }
  assert.equal(page.count("list"), 501);
  page.session.listed(["One"]);
  assert.equal(page.phase.name, "starting");
});

test("a list that is never answered ends in a new connection", () => {
  const page = new Page();
  page.session.opened();
  page.session.listed([]);
  page.clock.pass(2_000 + 60_000);
  assert.equal(page.phase.name, "reconnecting");
});

test("with several streamers the visitor is asked, and gets the one picked", () => {
  const page = new Page();
  page.session.opened();
  page.session.listed(["One", "Two"]);
  assert.deepEqual(page.phase, { name: "choosing", streamers: ["One", "Two"] });
  page.session.pick("Two");
  assert.equal(page.asked.at(-1), "subscribe Two");
});

test("after its streamer left the page waits for that one and takes no other", () => {
  const page = new Page().play();
  page.session.closed({ code: 4004, reason: "" });
  page.clock.pass(1_000);
  page.session.opened();
  page.session.listed(["Two"]);
  assert.equal(page.phase.name, "waiting");
  page.clock.pass(2_000);
  page.session.listed(["Two", "One"]);
  page.session.played();
  assert.deepEqual(page.phase, { name: "playing", streamer: "One" });
});

test("a picture that plays ends the growing of the waits", () => {
  const page = new Page();
  page.clock.pass(60_000);
  page.session.opened();
  page.session.listed(["One"]);
  page.session.played();
  page.session.closed({ code: 1006, reason: "" });
  const { phase } = page;
  assert.equal(phase.name === "reconnecting" && phase.at - page.clock.now(), 1_000);
});

test("an end is an end until the visitor joins again", () => {
  const page = new Page().play();
  page.session.closed({ code: 4001, reason: "30 minutes" });
  page.clock.pass(3_600_000);
  page.session.hurry();
  assert.deepEqual(page.phase, { name: "ended", text: "endedDuration", detail: "30 minutes" });
  page.session.connect();
  assert.equal(page.count("connect"), 2);
});

test("removed by the streamer once the page comes back, a second time soon after it stays away", () => {
  const page = new Page().play();
  const removal = { code: 1011, reason: "make room" };
  page.session.closed(removal);
  assert.equal(page.phase.name, "reconnecting");
  page.clock.pass(2_000);
  page.play().session.closed(removal);
  assert.deepEqual(page.phase, { name: "ended", text: "endedKicked", detail: "make room" });
});

test("two removals far apart are two faults", () => {
  const page = new Page().play();
  for (let time = 0; time < 2; time += 1) {
    page.session.closed({ code: 1011, reason: "media connection lost" });
    assert.equal(page.phase.name, "reconnecting");
    page.clock.pass(2_000);
    page.play();
    page.clock.pass(50_000);
    page.session.listed(["One"]);
    page.clock.pass(10_000);
  }
});

test("a refusal is said in the server's words and tried again", () => {
  const page = new Page();
  page.session.opened();
  page.session.listed(["One", "Two"]);
  page.session.pick("One");
  page.session.refused("full");
  assert.deepEqual(page.phase, {
    name: "waiting",
    wanted: "One",
    others: ["Two"],
    problem: "full",
  });
  page.clock.pass(2_000);
  assert.equal(page.asked.at(-1), "list");
});

test("a streamer that answers without a picture is given up for a new attempt", () => {
  const page = new Page();
  page.session.opened();
  page.session.listed(["One"]);
  page.clock.pass(25_000);
  const { phase } = page;
  assert.equal(phase.name === "reconnecting" && phase.text, "lostNoPicture");
});

test("a browser that wants a click gets all the time for it", () => {
  const page = new Page();
  page.session.opened();
  page.session.listed(["One"]);
  page.session.blocked();
  page.clock.pass(3_600_000);
  assert.equal(page.phase.name, "blocked");
  page.session.played();
  assert.equal(page.phase.name, "playing");
});

test("lost media makes a new connection, once", () => {
  const page = new Page().play();
  page.session.mediaLost();
  page.session.mediaLost();
  page.session.closed({ code: 1000, reason: "" });
  assert.equal(page.count("drop"), 1);
  page.clock.pass(1_000);
  assert.equal(page.count("connect"), 2);
});

test("a network that comes back ends the waiting", () => {
  const page = new Page().play();
  page.session.closed({ code: 1006, reason: "" });
  page.session.hurry();
  assert.equal(page.count("connect"), 2);
  page.clock.pass(5_000);
  assert.equal(page.count("connect"), 2, "the timer is gone");
});

test("while playing the list is looked at every ten seconds and changes nothing", () => {
  const page = new Page().play();
  page.clock.pass(10_000);
  page.session.listed(["One", "Two"]);
  page.clock.pass(10_000);
  assert.equal(page.count("list"), 3);
  assert.deepEqual(page.session.streamers, ["One", "Two"]);
  assert.equal(page.count("subscribe One"), 1);
});

test("a renamed streamer is the one to wait for", () => {
  const page = new Page().play();
  page.session.renamed("Uno");
  assert.deepEqual(page.phase, { name: "playing", streamer: "Uno" });
  page.session.closed({ code: 4004, reason: "" });
  page.clock.pass(1_000);
  page.session.opened();
  page.session.listed(["One"]);
  assert.equal(page.phase.name, "waiting");
  page.session.listed(["Uno"]);
  assert.equal(page.asked.at(-1), "subscribe Uno");
});

test("picking the streamer in play changes nothing", () => {
  const page = new Page().play();
  page.session.pick("One");
  assert.equal(page.count("subscribe One"), 1);
});

test("a wanted streamer wins over the remembered one", () => {
  const page = new Page("Two", "One");
  page.session.opened();
  page.session.listed(["One", "Two"]);
  assert.equal(page.asked.at(-1), "subscribe Two");
});

const queuedAt = (position: number) =>
  ({ type: "sessionQueued", position, queueLength: 3, etaSeconds: null }) as const;
const assigned = { type: "sessionAssigned", streamerId: "One", token: "t" } as const;
const ended = (reason: string) => ({ type: "sessionEnded", reason }) as const;

/** A page whose server gives out places, with the socket open. */
function claiming(): Page {
  const page = new Page(undefined, undefined, true);
  page.session.opened();
  return page;
}

test("a visitor waits for a place, however long, and plays the streamer given", () => {
  const page = claiming();
  page.session.told(queuedAt(2));
  page.session.listed([]);
  page.clock.pass(3_600_000);
  assert.deepEqual(page.phase, { name: "queued", position: 2, length: 3, etaSeconds: null });
  page.session.told(queuedAt(1));
  page.session.told(assigned);
  page.session.played();
  assert.equal(page.asked.at(-1), "subscribe One");
  assert.equal(page.phase.name, "playing");
  page.clock.pass(60_000);
  assert.equal(page.count("list"), 1, "nobody looks for other streamers");
});

test("a list that comes before the answer waits for it", () => {
  const page = claiming();
  page.session.listed(["Session"]);
  assert.equal(page.phase.name, "connecting");
  page.session.told(assigned);
  assert.equal(page.asked.at(-1), "subscribe One");
});

test("a server that does not know sessions is not waited for", () => {
  const page = claiming();
  page.session.listed(["One"]);
  page.clock.pass(1_500);
  assert.equal(page.asked.at(-1), "subscribe One");
});

test("who comes back after a broken connection shows the token, and asks anew if it is over", () => {
  const page = claiming();
  page.session.told(assigned);
  page.session.played();
  page.session.closed({ code: 1006, reason: "" });
  page.clock.pass(1_000);
  page.session.opened();
  assert.equal(page.count("claim t"), 1);
  page.session.told({ type: "sessionFailed", code: "session_ended", message: "" });
  assert.equal(page.count("claim"), 2);
});

test("when the streamer dies the picture stays, and the next place is taken", () => {
  const page = claiming();
  page.session.told(assigned);
  page.session.played();
  page.session.told(queuedAt(1));
  assert.equal(page.asked.at(-1), "still");
  assert.equal(page.phase.name, "queued");
  page.session.told({ ...assigned, streamerId: "Two" });
  assert.equal(page.asked.at(-1), "subscribe Two");
});

test("each end of a session has its words, and asking again is a new claim", () => {
  for (const [reason, text] of [
    ["max_duration", "endedDuration"],
    ["idle", "endedIdle"],
    ["taken_over", "endedTaken"],
    ["operator", "endedOperator"],
    ["reservation_expired", "endedUnused"],
    ["something new", "ended"],
  ] as const) {
    const page = claiming();
    page.session.told(assigned);
    page.session.told(ended(reason));
    assert.deepEqual(page.phase, { name: "ended", text, detail: "" });
    page.session.closed({ code: 4001, reason: "" });
    assert.equal(page.phase.name, "ended");
    page.session.connect();
    page.session.opened();
    assert.equal(page.count("claim"), 2, "without the token of the session that is over");
  }
});

test("a refusal that may pass is tried again; one that will not ends", () => {
  const full = claiming();
  full.session.told({ type: "sessionFailed", code: "queue_full", message: "" });
  assert.equal(full.phase.name, "reconnecting");
  const elsewhere = claiming();
  elsewhere.session.told({ type: "sessionFailed", code: "already_active", message: "" });
  assert.equal(elsewhere.phase.name, "ended");
});

test("input is reported now and then, and takes back the warning of idleness at once", () => {
  const page = claiming();
  page.session.used();
  page.session.told(assigned);
  page.session.played();
  for (let second = 0; second < 20; second += 1) {
    page.session.used();
    page.clock.pass(1_000);
  }
  assert.equal(page.count("input"), 4);
  page.session.told({ type: "sessionExpiring", secondsLeft: 60, reason: "idle" });
  assert.deepEqual(page.session.warning, { at: 80_000, isIdle: true });
  page.session.used();
  assert.equal(page.session.warning, undefined);
  assert.equal(page.count("input"), 5);
  page.session.told({ type: "sessionExpiring", secondsLeft: 60, reason: "max_duration" });
  page.session.used();
  assert.notEqual(page.session.warning, undefined, "no input changes the end of the time");
});
