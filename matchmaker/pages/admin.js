// The operator's page: asks the REST interface again and again and draws what it says.
import { element, Table } from "./tables.js";

const PERIOD_MS = 2000;
const REST_SHARE = 5; // asking takes at most a fifth of the time, however much there is
const MOST_SESSIONS = 5000; // what the server lists
const TOKEN = "admin-token";
const byId = (id) => document.getElementById(id);

class Forbidden extends Error {}

async function call(method, path) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` };
  const answer = await fetch(path, { method, headers, cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) throw new Forbidden();
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    throw new Error(body.error?.message ?? `HTTP ${answer.status}`);
  }
  return answer.status === 204 ? null : answer.json();
}

// What buttons do.

function action(label, name, work, question) {
  const run = async (button) => {
    if (question && !(await confirmed(label, question))) return;
    button.disabled = true;
    byId("trouble").textContent = "";
    await attempt(work, (error) => {
      byId("trouble").textContent = `${label} ${name}: ${error.message}`;
    });
    button.disabled = false;
    await refresh();
  };
  return { label, name, run };
}

/** Asks before something that somebody notices. */
function confirmed(label, question) {
  const dialog = byId("confirm");
  byId("question").textContent = question;
  byId("yes").textContent = label;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function hostActions(host) {
  const path = `api/hosts/${encodeURIComponent(host.id)}/drain`;
  return [
    host.draining
      ? action("Open", host.id, () => call("DELETE", path))
      : action("Drain", host.id, () => call("POST", path)),
  ];
}

function sessionActions(session) {
  const { userId: user, sessionId, playerId, state } = session;
  const found = [];
  if (playerId && state === "active") {
    const path = `api/players/${encodeURIComponent(playerId)}`;
    const question = `Close the connection of ${user}? The place is kept for a while, so they can come back.`;
    found.push(action("Kick", user, () => call("DELETE", path), question));
  }
  if (state !== "ended") {
    const path = `api/sessions/${encodeURIComponent(sessionId)}`;
    const question = `End the session of ${user}? They are told so, and the next in line gets the place.`;
    found.push(action("End", user, () => call("DELETE", path), question));
  }
  return found;
}

// What tables show.

function seconds(value) {
  if (value === null || value === undefined) return "unknown";
  const whole = Math.max(0, Math.round(value));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const now = () => Date.now() / 1000;

function meter(value, max, text) {
  const made = element("meter");
  Object.assign(made, { min: 0, max: Math.max(max, 1), value });
  made.ariaLabel = "sessions";
  return [made, text];
}

function hostState(host) {
  if (!host.healthy) return "unhealthy";
  if (host.draining) return "draining";
  return host.sessions < host.capacity ? "open" : "full";
}

function instancesOf(host) {
  return host.instances
    .map((i) => `${i.streamerId} ${i.sessions}/${i.capacity}${i.recycling ? " (recycling)" : ""}`)
    .join(", ");
}

function kindsOf(host) {
  const kinds = host.instances.map((i) => [i.application, i.version, i.profile].filter(Boolean).join(" "));
  return [...new Set(kinds)].join(", ");
}

const marked = (className) => (_item, text) => element("span", text, className ?? text);

function named(_item, text) {
  const made = element("span", text, "name");
  made.title = text;
  return made;
}

const waited = (s) => (s.state === "queued" ? now() - s.createdAt : s.waitedSeconds ?? 0);

const endsIn = (s) => (s.endsAt && s.state !== "ended" ? s.endsAt - now() : null);

const hosts = new Table({
  id: "hosts", title: "Hosts", noun: "hosts", nothing: "No host has a streamer connected.",
  key: (host) => host.id, actions: hostActions,
  state: hostState, states: ["open", "full", "draining", "unhealthy"],
  columns: [
    { title: "Host", text: (h) => h.id, draw: named },
    { title: "Region", text: (h) => h.region || "–" },
    {
      title: "Sessions", text: (h) => `${h.sessions} / ${h.capacity}`,
      sort: (h) => h.sessions / h.capacity, draw: (h, text) => meter(h.sessions, h.capacity, text),
    },
    { title: "GPU", text: (h) => (h.gpu ? `${Math.round(h.gpu * 100)} %` : "–"), sort: (h) => h.gpu },
    { title: "Application", text: kindsOf },
    { title: "Instances", text: (h) => instancesOf(h) || "none", sort: (h) => h.instances.length, draw: marked("instances") },
    { title: "State", text: hostState, draw: marked() },
  ],
});

const sessions = new Table({
  id: "sessions", title: "Sessions", noun: "sessions", nothing: "Nobody has a session.",
  key: (s) => `${s.sessionId} ${s.playerId}`, actions: sessionActions,
  state: (s) => s.state, states: ["queued", "reserved", "active", "grace", "ended"],
  columns: [
    { title: "User", text: (s) => s.userId, draw: named },
    { title: "State", text: (s) => s.state, draw: marked() },
    { title: "Application", text: (s) => s.application || "–" },
    { title: "Instance", text: (s) => s.streamerId || "–" },
    { title: "Host", text: (s) => s.host || "–" },
    { title: "Waited", text: (s) => seconds(waited(s)), sort: waited },
    {
      title: "Ends in", text: (s) => (endsIn(s) === null ? "–" : seconds(endsIn(s))),
      sort: (s) => endsIn(s) ?? Number.MAX_VALUE,
    },
  ],
});

const demandOf = (line) => Object.entries(line.demand).map(([name, value]) => `${name} ${value}`).join(", ");

const queue = new Table({
  id: "queue", title: "Queue", noun: "lines", nothing: "Nobody waits.", key: demandOf,
  columns: [
    { title: "Asks for", text: demandOf },
    { title: "Waiting", text: (l) => String(l.length), sort: (l) => l.length },
    { title: "Last one waits", text: (l) => seconds(l.etaSeconds), sort: (l) => l.etaSeconds ?? Number.MAX_VALUE },
  ],
});

const number = (title, name) => ({ title, text: (row) => String(row[name]), sort: (row) => row[name] });

const capacity = new Table({
  id: "capacity", title: "Capacity", noun: "rows", nothing: "There is nothing yet.",
  key: (row) => `${row.application} ${row.region}`,
  columns: [
    { title: "Application", text: (row) => row.application },
    { title: "Region", text: (row) => row.region || "any" },
    number("In session", "sessions"), number("Waiting", "queued"), number("Free", "ready"),
    number("Places", "capacity"), number("Wanted instances", "desiredInstances"),
  ],
});

const tables = [hosts, sessions, queue, capacity];
for (const table of tables) byId("board").append(table.root);

function figures(scale, line) {
  const sum = (name) => scale.reduce((total, one) => total + one[name], 0);
  const shown = {
    "In session": sum("sessions"), Waiting: line.length, "Free places": sum("ready"),
    Capacity: sum("capacity"), "Wanted instances": sum("desiredInstances"),
  };
  byId("figures").replaceChildren(...Object.entries(shown).map(([name, value]) => {
    const made = element("div");
    made.append(element("dt", name), element("dd", value.toLocaleString()));
    return made;
  }));
}

// Asking and drawing.

async function draw() {
  const paths = ["api/hosts", "api/sessions", "api/queue", "api/scale"];
  const [allHosts, allSessions, line, scale] = await Promise.all(paths.map((p) => call("GET", p)));
  show(true);
  figures(scale, line);
  hosts.show(allHosts);
  sessions.show(allSessions);
  queue.show(line.lines);
  capacity.show(scale);
  byId("limited").hidden = allSessions.length < MOST_SESSIONS;
  say(`As of ${new Date().toLocaleTimeString()}`);
}

function say(text, down = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("down", down);
}

function show(open) {
  byId("board").hidden = !open;
  byId("enter").hidden = open;
  byId("find").hidden = !open;
  byId("leave").hidden = !open;
}

function forget(reason) {
  sessionStorage.removeItem(TOKEN);
  byId("refused").textContent = reason;
  say("");
  show(false);
}

async function attempt(work, failed) {
  try {
    await work();
  } catch (error) {
    if (error instanceof Forbidden) forget("The token was not accepted.");
    else failed(error);
  }
}

function outdated(error) {
  say(`Out of date: ${error.message}`, true);
}

let drawing = null;
async function refresh() {
  if (!sessionStorage.getItem(TOKEN)) return;
  drawing ??= attempt(draw, outdated).finally(() => { drawing = null; });
  await drawing;
}

async function refreshOn() {
  const began = performance.now();
  if (!document.hidden) await refresh();
  const took = performance.now() - began;
  setTimeout(refreshOn, Math.max(PERIOD_MS, REST_SHARE * took));
}

byId("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value);
  byId("token").value = "";
  byId("refused").textContent = "";
  await refresh();
});
byId("find").addEventListener("input", () => {
  for (const table of tables) table.filter(byId("find").value);
});
byId("leave").addEventListener("click", () => forget(""));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refreshOn();
