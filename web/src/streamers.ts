/** What is known about the streamer that this visitor wants. */
export interface Wish {
  /** Named in the address, picked by hand, or played just now: no other will do. */
  readonly wanted?: string | undefined;
  /** Played on an earlier visit: taken when it is there. */
  readonly remembered?: string | undefined;
}

export type Choice =
  | { readonly kind: "join"; readonly id: string }
  | { readonly kind: "wait" }
  | { readonly kind: "ask" };

/** Which of the streamers `ids` to play, whether to ask the visitor, or to wait. */
export function chooseStreamer(ids: readonly string[], wish: Wish): Choice {
  const favourite = wish.wanted ?? wish.remembered;
  if (favourite !== undefined && ids.includes(favourite)) {
    return { kind: "join", id: favourite };
  }
  if (wish.wanted !== undefined || ids.length === 0) {
    return { kind: "wait" };
  }
  const [only, ...others] = ids;
  return only !== undefined && others.length === 0
    ? { kind: "join", id: only }
    : { kind: "ask" };
}
