import type { TextKey } from "./texts";

/** What a server that gives out sessions says of the visitor's place. */
export type PlaceNews =
  | {
      readonly type: "sessionQueued";
      readonly position: number;
      readonly queueLength: number;
      /** Seconds, when the server has seen enough to tell. */
      readonly etaSeconds: number | null;
    }
  | { readonly type: "sessionAssigned"; readonly streamerId: string; readonly token: string }
  | { readonly type: "sessionExpiring"; readonly secondsLeft: number; readonly reason: string }
  | { readonly type: "sessionEnded"; readonly reason: string }
  | { readonly type: "sessionFailed"; readonly code: string; readonly message: string };

/** The types of these messages. */
export const PLACE_NEWS: readonly PlaceNews["type"][] = [
  "sessionQueued",
  "sessionAssigned",
  "sessionExpiring",
  "sessionEnded",
  "sessionFailed",
];

/** When the session ends, and whether moving the mouse would help. */
export interface Warning {
  readonly at: number;
  readonly isIdle: boolean;
}

/** How a session ended, in the server's words, and in the page's. */
const ENDS: Readonly<Record<string, TextKey>> = {
  max_duration: "endedDuration",
  idle: "endedIdle",
  taken_over: "endedTaken",
  released: "endedReleased",
  operator: "endedOperator",
  reservation_expired: "endedUnused",
};

export function textOfEnd(reason: string): TextKey {
  return ENDS[reason] ?? "ended";
}

/** What a page does about a refusal. */
export interface Refusal {
  readonly next: "list" | "askAnew" | "wait" | "end";
  readonly text: TextKey;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  not_offered: { next: "list", text: "waiting" },
  bad_token: { next: "askAnew", text: "endedOver" },
  session_ended: { next: "askAnew", text: "endedOver" },
  not_found: { next: "end", text: "endedOver" },
  already_active: { next: "end", text: "endedElsewhere" },
  forbidden: { next: "end", text: "endedRefused" },
  bad_requirements: { next: "end", text: "endedRefused" },
  queue_full: { next: "wait", text: "lostFull" },
};

/** What follows from a refusal; one that is not known may pass. */
export function refusalOf(code: string): Refusal {
  return REFUSALS[code] ?? { next: "wait", text: "lostOverload" };
}

/** How long a waiter will wait, in words: the server's figure is an estimate. */
export function waitText(seconds: number | null): {
  readonly text: TextKey;
  readonly values: Readonly<Record<string, number>>;
} {
  if (seconds === null) {
    return { text: "queuedUnknown", values: {} };
  }
  const minutes = Math.round(seconds / 60);
  return seconds < 60
    ? { text: "queuedSoon", values: {} }
    : { text: "queuedMinutes", values: { minutes } };
}
