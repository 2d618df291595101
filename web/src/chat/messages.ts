/** Something from the catalogue; `price` is a decimal string. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: string;
  readonly currency: string;
  /** Style and category in the visitor's language, as far as the server has words for them. */
  readonly style: string;
  readonly category: string;
  readonly reason: string;
  readonly image: string;
  readonly url: string;
  /** What the scene knows it by; empty when it cannot be shown there. */
  readonly ueAsset: string;
}

/** A designer or installer; prices are decimal strings, empty when there is none. */
export interface Partner {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly regions: readonly string[];
  readonly styles: readonly string[];
  readonly priceFrom: string;
  readonly priceTo: string;
  readonly currency: string;
  readonly about: string;
  readonly url: string;
}

/** One line of an earlier conversation. */
export interface Remembered {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly products: readonly Product[];
  readonly partners: readonly Partner[];
  readonly votes: Votes;
  readonly cancelled: boolean;
}

/** Whether a product was helpful, by its id; the empty id is the whole answer. */
export type Votes = Readonly<Record<string, boolean>>;

/** What the server says about one question. */
export type Answer =
  | { readonly type: "chatProducts"; readonly products: readonly Product[] }
  | { readonly type: "chatDelta"; readonly text: string }
  | { readonly type: "chatRanked"; readonly ids: readonly string[] }
  | { readonly type: "chatPartners"; readonly partners: readonly Partner[] }
  | { readonly type: "chatDone"; readonly cancelled: boolean; readonly degraded: boolean }
  | {
      readonly type: "chatError";
      readonly code: string;
      readonly message: string;
      /** Seconds after which asking again makes sense. */
      readonly retryAfter: number | undefined;
    };

/** What the scene is asked to do. */
export interface Action {
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A message as it came: its fields are looked at one by one. */
export type Raw = Readonly<Record<string, unknown>>;

const MOST_ITEMS = 50;
const MOST_CHARACTERS = 20_000;

type Reader = (raw: Raw) => Answer;

const READERS: Readonly<Record<Answer["type"], Reader>> = {
  chatProducts: (raw) => ({ type: "chatProducts", products: productsOf(raw.products) }),
  chatDelta: (raw) => ({ type: "chatDelta", text: text(raw.text) }),
  chatRanked: (raw) => ({ type: "chatRanked", ids: words(raw.ids) }),
  chatPartners: (raw) => ({ type: "chatPartners", partners: partnersOf(raw.partners) }),
  chatDone: (raw) => ({
    type: "chatDone",
    cancelled: raw.cancelled === true,
    degraded: Array.isArray(raw.degraded) ? raw.degraded.length > 0 : Boolean(raw.degraded),
  }),
  chatError: (raw) => ({
    type: "chatError",
    code: text(raw.code),
    message: text(raw.message),
    retryAfter: typeof raw.retryAfter === "number" ? raw.retryAfter : undefined,
  }),
};

export const ANSWER_TYPES = Object.keys(READERS) as readonly Answer["type"][];

/** Reads a message of one of `ANSWER_TYPES`; what is missing is empty. */
export function answerOf(type: Answer["type"], raw: Raw): Answer {
  return READERS[type](raw);
}

/** The action in a `chatAction`, if it is one. */
export function actionOf(raw: Raw): Action | undefined {
  const action = text(raw.action);
  return action === "" ? undefined : { action, arguments: object(raw.arguments) ?? {} };
}

/** The lines of a `chatHistory`, oldest first. */
export function rememberedOf(messages: unknown): readonly Remembered[] {
  return items(messages).map((raw) => ({
    id: text(raw.id),
    role: raw.role === "user" ? "user" : "assistant",
    text: text(raw.text),
    products: productsOf(raw.products),
    partners: partnersOf(raw.partners),
    votes: votesOf(raw.feedback),
    cancelled: raw.cancelled === true,
  }));
}

function votesOf(value: unknown): Votes {
  const said = items(value).filter(({ helpful }) => typeof helpful === "boolean");
  return Object.fromEntries(said.map((raw) => [text(raw.productId), raw.helpful === true]));
}

function productsOf(value: unknown): readonly Product[] {
  return items(value)
    .map((raw) => ({
      id: text(raw.id),
      name: text(raw.name),
      price: text(raw.price),
      currency: text(raw.currency),
      style: label(raw, "style"),
      category: label(raw, "category"),
      reason: text(raw.reason),
      image: text(raw.image),
      url: text(raw.url),
      ueAsset: text(raw.ueAsset),
    }))
    .filter(({ id, name }) => id !== "" && name !== "");
}

function partnersOf(value: unknown): readonly Partner[] {
  return items(value)
    .map((raw) => ({
      id: text(raw.id),
      name: text(raw.name),
      kind: label(raw, "kind"),
      regions: labels(raw, "regions"),
      styles: labels(raw, "styles"),
      priceFrom: text(raw.priceFrom),
      priceTo: text(raw.priceTo),
      currency: text(raw.currency),
      about: text(raw.description) || text(raw.reason),
      url: text(raw.url),
    }))
    .filter(({ name }) => name !== "");
}

/** A field of the catalogue in the words that the server has for it, else as it is. */
function label(raw: Raw, field: string): string {
  return text(object(raw.labels)?.[field]) || text(raw[field]);
}

function labels(raw: Raw, field: string): readonly string[] {
  const own = words(object(raw.labels)?.[field]);
  return own.length > 0 ? own : words(raw[field]);
}

function items(value: unknown): readonly Raw[] {
  const list = Array.isArray(value) ? value.slice(0, MOST_ITEMS) : [];
  return list.map(object).filter((each) => each !== undefined);
}

function words(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? value.slice(0, MOST_ITEMS) : [];
  return list.map(text).filter((each) => each !== "");
}

function object(value: unknown): Raw | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Raw) : undefined;
}

function text(value: unknown): string {
  const given = typeof value === "number" ? String(value) : value;
  return typeof given === "string" ? given.slice(0, MOST_CHARACTERS) : "";
}
