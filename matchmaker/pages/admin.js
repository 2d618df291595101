// The operator's page: asks the REST interface every two seconds and draws what it says.
const PERIOD_MS = 2000;
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

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(...cells) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    td.append(...[cell].flat());
    made.append(td);
  }
  return made;
}

function action(label, name, work) {
  const button = element("button", label);
  button.type = "button";
  button.ariaLabel = `${label} ${name}`;
  button.dataset.key = button.ariaLabel;
  button.addEventListener("click", async () => {
    button.disabled = true;
    byId("trouble").textContent = "";
    await attempt(work, (error) => {
      byId("trouble").textContent = `${button.ariaLabel}: ${error.message}`;
    });
    await refresh();
  });
  return button;
}

function seconds(value) {
  if (value === null || value === undefined) return "unknown";
  const whole = Math.max(0, Math.round(value));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function meter(value, max, label) {
  const made = document.createElement("meter");
  Object.assign(made, { min: 0, max: Math.max(max, 1), value });
  made.ariaLabel = label;
  return [made, `${value} / ${max}`];
}

function hostState(host) {
  if (!host.healthy) return "unhealthy";
  return host.draining ? "draining" : "open";
}

function hostRow(host) {
  const path = `api/hosts/${encodeURIComponent(host.id)}/drain`;
  const button = host.draining
    ? action("Open", host.id, () => call("DELETE", path))
    : action("Drain", host.id, () => call("POST", path));
  const instances = host.instances
    .map((i) => `${i.streamerId} ${i.sessions}/${i.capacity}${i.recycling ? " (recycling)" : ""}`)
    .join(", ");
  return row(
    host.id, host.region || "–", meter(host.sessions, host.capacity, "sessions"),
    host.gpu ? `${Math.round(host.gpu * 100)} %` : "–", instances || "none",
    element("span", hostState(host), hostState(host)), button,
  );
}

function sessionRow(session) {
  const now = Date.now() / 1000;
  const waited = session.state === "queued" ? now - session.createdAt : session.waitedSeconds;
  const buttons = [];
  if (session.playerId && session.state === "active") {
    const path = `api/players/${encodeURIComponent(session.playerId)}`;
    buttons.push(action("Kick", session.userId, () => call("DELETE", path)));
  }
  if (session.state !== "ended") {
    const path = `api/sessions/${encodeURIComponent(session.sessionId)}`;
    buttons.push(action("End", session.userId, () => call("DELETE", path)));
  }
  const user = element("span", session.userId, "user");
  user.title = session.userId;
  return row(
    user, element("span", session.state, session.state),
    session.streamerId || "–", session.host || "–", seconds(waited ?? 0),
    session.endsAt && session.state !== "ended" ? seconds(session.endsAt - now) : "–", buttons,
  );
}

function lineRow(line) {
  const asks = Object.entries(line.demand).map(([name, value]) => `${name} ${value}`).join(", ");
  return row(asks, String(line.length), seconds(line.etaSeconds));
}

function fill(id, rows, columns, nothing) {
  const focused = document.activeElement?.dataset?.key;
  if (!rows.length) {
    const empty = row(nothing);
    empty.firstChild.colSpan = columns;
    empty.firstChild.className = "empty";
    rows.push(empty);
  }
  byId(id).replaceChildren(...rows);
  if (focused) byId(id).querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function figures(scale, queue) {
  const sum = (name) => scale.reduce((total, one) => total + one[name], 0);
  const shown = {
    "In session": sum("sessions"), Waiting: queue.length, "Free places": sum("ready"),
    Capacity: sum("capacity"), "Wanted instances": sum("desiredInstances"),
  };
  byId("figures").replaceChildren(...Object.entries(shown).map(([name, value]) => {
    const made = document.createElement("div");
    made.append(element("dt", name), element("dd", String(value)));
    return made;
  }));
}

async function draw() {
  const paths = ["api/hosts", "api/sessions", "api/queue", "api/scale"];
  const [hosts, sessions, queue, scale] = await Promise.all(paths.map((p) => call("GET", p)));
  show(true);
  figures(scale, queue);
  fill("hosts", hosts.map(hostRow), 7, "No host has a streamer connected.");
  fill("sessions", sessions.map(sessionRow), 7, "Nobody has a session.");
  fill("queue", queue.lines.map(lineRow), 3, "Nobody waits.");
  say(`As of ${new Date().toLocaleTimeString()}`);
}

function say(text, down = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("down", down);
}

function show(open) {
  byId("board").hidden = !open;
  byId("enter").hidden = open;
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

byId("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value);
  byId("token").value = "";
  byId("refused").textContent = "";
  await refresh();
});
byId("leave").addEventListener("click", () => forget(""));
setInterval(() => { if (!document.hidden) refresh(); }, PERIOD_MS);
refresh();
