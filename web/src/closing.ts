import type { TextKey } from "./texts";

/** How a connection ended, as the close frame tells it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** What a closing means for the visitor. */
export interface Meaning {
  /** The page must not come back by itself. */
  readonly final: boolean;
  readonly text: TextKey;
  /** The server's own words, when they are meant for people. */
  readonly detail: string;
  /** Seconds that the server wants to be left alone. */
  readonly leastSeconds: number;
}

interface Row {
  readonly final?: boolean;
  readonly text: TextKey;
  readonly leastSeconds?: number;
}

/** Close codes of RFC 6455 section 7.4 and of this server. */
const MEANINGS: Readonly<Record<number, Row>> = {
  1001: { final: true, text: "ended" },
  1008: { final: true, text: "endedRefused" },
  1011: { text: "lostServerError", leastSeconds: 2 },
  1012: { text: "lostRestart" },
  1013: { text: "lostOverload", leastSeconds: 8 },
  4001: { final: true, text: "endedDuration" },
  4002: { final: true, text: "endedIdle" },
  4003: { final: true, text: "endedTaken" },
  4004: { text: "lostStreamer" },
  4005: { final: true, text: "endedToken" },
  4008: { text: "lostRate", leastSeconds: 30 },
};

const LOST: Row = { text: "lostConnection" };
const REMOVED: Row = { text: "lostRemoved", leastSeconds: 2 };
const SENT_AWAY: Row = { final: true, text: "endedOperator" };

/** What `closing` means: whether to come back, when at the earliest, and what to say. */
export function meaningOf(closing: Closing): Meaning {
  const row = rowOf(closing);
  const final = row.final ?? false;
  return {
    final,
    text: row.text,
    detail: (final && row !== SENT_AWAY) || row === REMOVED ? closing.reason : "",
    leastSeconds: row.leastSeconds ?? 0,
  };
}

function rowOf(closing: Closing): Row {
  if (isRemoval(closing)) return REMOVED;
  if (closing.code === 4003 && closing.reason.includes("operator")) return SENT_AWAY;
  return MEANINGS[closing.code] ?? LOST;
}

/**
 * 1011 is both: a streamer that removes a player gives its own reason, a fault does not. Engines
 * remove players whose media broke off as well as those they want to be rid of.
 */
export function isRemoval({ code, reason }: Closing): boolean {
  return code === 1011 && reason !== "" && !reason.toLowerCase().includes("internal error");
}
