import type { Clock } from "../session";
import type { Action } from "./messages";

/** The way to the scene: the data channel. */
export interface SceneLink {
  /** Sends; false when the channel is not open. */
  interact(descriptor: object): boolean;
}

/** How far an action has come. */
export interface Progress {
  readonly action: Action;
  readonly state: "kept" | "sent" | "accepted" | "refused";
  /** The scene's own words, or empty. */
  readonly words: string;
}

/** A scene need not answer: after this long its silence is taken for consent to nothing. */
const ANSWER_DEADLINE = 5_000;
const MOST_KEPT = 8;
const LONGEST_WORDS = 200;

/**
 * Actions for the scene. They are kept until the data channel is open; of two with one name only
 * the later is kept, for nobody wants to see all that was chosen while the picture was away.
 */
export class SceneActions {
  private readonly kept = new Map<string, Action>();
  private readonly awaited = new Map<string, { action: Action; cancel: () => void }>();

  constructor(
    private readonly link: SceneLink,
    private readonly clock: Clock,
    private readonly onProgress: (progress: Progress) => void,
  ) {}

  /** Does `action` now, or when the scene can be reached. */
  do(action: Action): void {
    if (this.link.interact(descriptorOf(action))) {
      this.await(action);
    } else {
      this.keep(action);
    }
  }

  /** The channel may be open now. */
  ready(): void {
    const actions = [...this.kept.values()];
    this.kept.clear();
    actions.forEach((action) => this.do(action));
  }

  /** A Response of the scene came: any text, which may belong to something else. */
  answered(text: string): void {
    const response = parse(text);
    const name = response ? (response.type ?? response.action) : this.onlyAwaited();
    const awaited = typeof name === "string" ? this.awaited.get(name) : undefined;
    if (awaited === undefined || !isAbout(awaited.action, response)) {
      return;
    }
    this.forget(awaited.action.action);
    const state = response?.accepted === false ? "refused" : "accepted";
    const words = (response ? wordsOf(response) : text).slice(0, LONGEST_WORDS);
    this.onProgress({ action: awaited.action, state, words });
  }

  private keep(action: Action): void {
    this.kept.delete(action.action);
    this.kept.set(action.action, action);
    const oldest = this.kept.keys().next();
    if (this.kept.size > MOST_KEPT && !oldest.done) {
      this.kept.delete(oldest.value);
    }
    this.onProgress({ action, state: "kept", words: "" });
  }

  private await(action: Action): void {
    this.forget(action.action);
    const cancel = this.clock.after(ANSWER_DEADLINE, () => this.forget(action.action));
    this.awaited.set(action.action, { action, cancel });
    this.onProgress({ action, state: "sent", words: "" });
  }

  private forget(name: string): void {
    this.awaited.get(name)?.cancel();
    this.awaited.delete(name);
  }

  /** Plain words can only be told to belong to an action while there is one. */
  private onlyAwaited(): string | undefined {
    const [name, ...others] = this.awaited.keys();
    return others.length === 0 ? name : undefined;
  }
}

/** What the scene is sent: the action's name wins over an argument of that name. */
export function descriptorOf({ action, arguments: given }: Action): object {
  return { ...given, action };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Answers come in order, but one to an earlier product may come after the next was asked for. */
function isAbout(action: Action, response: Record<string, unknown> | undefined): boolean {
  const asset = response?.ueAsset;
  return asset === undefined || asset === action.arguments.ueAsset;
}

function wordsOf({ reason, message }: Record<string, unknown>): string {
  return [reason, message].find((each) => typeof each === "string") ?? "";
}
