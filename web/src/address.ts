/** Where the page came from, as far as the socket's address depends on it. */
export interface PageLocation {
  readonly protocol: string;
  readonly host: string;
  readonly pathname: string;
  readonly search: string;
}

/** Parameters of the page's address that the server wants on the socket too. */
const FORWARDED = ["token", "session", "resume"];

/** Parameters that say which application a visitor wants, and where. */
const WISHES = ["application", "region"];

/** Parameters that say what else the instance must be; so does each `label.NAME`. */
const REQUIREMENTS = ["version", "profile"];

const LABEL = "label.";

/** What a visitor asks for, where the server gives out places. */
export interface Wish {
  readonly application?: string;
  readonly region?: string;
  readonly requirements?: Readonly<Record<string, string>>;
}

/**
 * The signalling socket's URL: same host, same folder, `wss` for a page that came by `https`.
 * It asks for a connection that can be resumed, unless the page's address says `?resume=0`.
 * The folder matters below a reverse proxy that serves the page at a sub-path.
 */
export function signallingUrl(page: PageLocation): string {
  const scheme = page.protocol === "https:" ? "wss:" : "ws:";
  const folder = page.pathname.slice(0, page.pathname.lastIndexOf("/") + 1);
  return `${scheme}//${page.host}${folder}?${socketQuery(page.search)}`;
}

function socketQuery(search: string): string {
  const given = new URLSearchParams(search);
  const kept = new URLSearchParams([...given].filter(([name]) => FORWARDED.includes(name)));
  if (!kept.has("resume")) {
    kept.set("resume", "1");
  }
  return kept.toString();
}

/** The streamer that the page's address asks for; Epic's pages ignore the parameter's case. */
export function streamerInAddress(search: string): string | undefined {
  const found = [...new URLSearchParams(search)].find(([name]) => isStreamerId(name));
  return found?.[1] || undefined;
}

/** The query `search` with the streamer set to `id`. */
export function withStreamer(search: string, id: string): string {
  const others = [...new URLSearchParams(search)].filter(([name]) => !isStreamerId(name));
  return `?${new URLSearchParams([...others, ["StreamerId", id]])}`;
}

/** What the page's address asks for, where the server gives out places. */
export function wishInAddress(search: string): Wish {
  const given = [...new URLSearchParams(search)].filter(([, value]) => value !== "");
  const named = given.filter(([name]) => WISHES.includes(name));
  const labels = given.filter(([name]) => name.startsWith(LABEL));
  const requirements = [
    ...given.filter(([name]) => REQUIREMENTS.includes(name)),
    ...labels.map(([name, value]) => [name.slice(LABEL.length), value] as const),
  ];
  return {
    ...Object.fromEntries(named),
    ...(requirements.length > 0 ? { requirements: Object.fromEntries(requirements) } : {}),
  };
}

/** The query `search` without the token of a session that is over. */
export function withoutSession(search: string): string {
  const kept = [...new URLSearchParams(search)].filter(([name]) => name !== "session");
  return kept.length > 0 ? `?${new URLSearchParams(kept)}` : "";
}

function isStreamerId(name: string): boolean {
  return name.toLowerCase() === "streamerid";
}
