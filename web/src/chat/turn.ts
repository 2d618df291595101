import type { Answer, Partner, Product, Remembered, Votes } from "./messages";

/** Why there is no whole answer; `code` is the server's, or one of this page's own. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly retryAfter: number | undefined;
}

/** A question with all that was said to it so far. */
export interface Turn {
  readonly id: string;
  readonly question: string;
  readonly products: readonly Product[];
  /** The products the answer speaks of, in its order; undefined while all count. */
  readonly chosen: readonly string[] | undefined;
  readonly answer: string;
  readonly partners: readonly Partner[];
  /** What the visitor thought of it on an earlier visit. */
  readonly votes: Votes;
  readonly state: "running" | "done" | "cancelled" | "failed";
  /** The answer was made by simpler means than usual. */
  readonly degraded: boolean;
  readonly fault: Fault | undefined;
  /** Somebody else in the room asked: it is theirs to judge. */
  readonly isOverheard?: boolean;
}

/** How many cards stand open when the answer chose none. */
const FIRST_CARDS = 3;
const LONGEST_ANSWER = 20_000;

export function newTurn(id: string, question: string): Turn {
  return {
    id,
    question,
    products: [],
    chosen: undefined,
    answer: "",
    partners: [],
    votes: {},
    state: "running",
    degraded: false,
    fault: undefined,
  };
}

/** The turn after the server said `answer`; what comes after its end changes nothing. */
export function advance(turn: Turn, answer: Answer): Turn {
  return turn.state === "running" ? { ...turn, ...changeBy(turn, answer) } : turn;
}

function changeBy(turn: Turn, answer: Answer): Partial<Turn> {
  switch (answer.type) {
    case "chatProducts":
      return { products: answer.products };
    case "chatDelta":
      return { answer: (turn.answer + answer.text).slice(0, LONGEST_ANSWER) };
    case "chatRanked":
      return { chosen: answer.ids };
    case "chatPartners":
      return { partners: answer.partners };
    case "chatDone":
      return { state: answer.cancelled ? "cancelled" : "done", degraded: answer.degraded };
    case "chatError":
      return { state: "failed", fault: answer };
  }
}

/** Products to show, and those that come behind "more". */
export interface Cards {
  readonly first: readonly Product[];
  readonly more: readonly Product[];
}

/** The answer's choice comes first, in its order: cards and words must say the same. */
export function cardsOf({ products, chosen }: Turn): Cards {
  const known = new Map(products.map((each) => [each.id, each]));
  const picked = [...new Set(chosen ?? [])].flatMap((id) => known.get(id) ?? []);
  const first = chosen === undefined ? products.slice(0, FIRST_CARDS) : picked;
  return { first, more: products.filter((each) => !first.includes(each)) };
}

/** Turns of an earlier conversation, oldest first. */
export function turnsOf(lines: readonly Remembered[]): readonly Turn[] {
  const turns: Turn[] = [];
  for (const [at, line] of lines.entries()) {
    const last = turns.at(-1);
    if (line.role === "user" || last === undefined || last.answer !== "") {
      const question = line.role === "user" ? line.text : "";
      turns.push({ ...newTurn(line.id || `past-${at}`, question), state: "done" });
    }
    if (line.role === "assistant") {
      turns.push({ ...(turns.pop() as Turn), ...answered(line) });
    }
  }
  return turns;
}

function answered({ text, products, partners, votes, cancelled }: Remembered): Partial<Turn> {
  return { answer: text, products, partners, votes, state: cancelled ? "cancelled" : "done" };
}
