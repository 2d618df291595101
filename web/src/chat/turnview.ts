import { button, el } from "../dom";
import type { Clock } from "../session";
import type { TextKey, Translate } from "../texts";
import { Card } from "./card";
import type { Partner, Product } from "./messages";
import { partnerList } from "./partners";
import type { Progress } from "./scene";
import { thumbs } from "./thumbs";
import { cardsOf, type Fault, type Turn } from "./turn";

/** What a visitor can do with a turn. */
export interface TurnActions {
  show(product: Product): void;
  vote(turn: string, helpful: boolean, productId?: string): void;
  again(turn: string): void;
}

const FAULTS: Readonly<Record<string, TextKey>> = {
  not_connected: "chatNotConnected",
  no_answer: "chatNoAnswer",
  rate_limited: "chatRateLimited",
  busy: "chatBusy",
  overloaded: "chatOverloaded",
  too_long: "chatTooLong",
  timeout: "chatTimeout",
  unavailable: "chatUnavailable",
  not_offered: "chatUnavailable",
  starting: "chatStarting",
  bad_question: "chatBadQuestion",
};

const SECOND = 1000;

/** One question with its cards and its answer; it changes only what is new. */
export class TurnView {
  readonly root = el("article", { class: "turn" });
  private readonly thinking = el("p", { class: "thinking" });
  private readonly first = el("ul", { class: "products" });
  private readonly rest = el("ul", { class: "products" });
  private readonly restTitle = el("summary");
  private readonly more = el("details", { class: "more", hidden: true });
  private readonly answer = el("p", { class: "answer", hidden: true });
  private readonly written = document.createTextNode("");
  private readonly partners = el("div");
  private readonly foot = el("div", { class: "turn-foot" });
  private readonly cards = new Map<string, Card>();
  private shown: Turn | undefined;
  private stopCounting: () => void = () => {};

  constructor(
    private readonly translate: Translate,
    private readonly actions: TurnActions,
    private readonly clock: Clock,
    private readonly progress: () => Progress | undefined = () => undefined,
  ) {
    this.thinking.textContent = translate("chatThinking");
    this.first.setAttribute("aria-label", translate("chatProducts"));
    this.answer.append(this.written);
    this.more.append(this.restTitle, this.rest);
  }

  update(turn: Turn): void {
    const { shown } = this;
    this.shown = turn;
    if (shown === undefined) {
      this.build(turn);
    }
    if (turn.products !== shown?.products || turn.chosen !== shown?.chosen) {
      this.showCards(turn);
    }
    this.showWords(turn);
    if (turn.partners !== shown?.partners) {
      this.showPartners(turn.partners);
    }
    this.showState(turn, shown?.state);
  }

  /** Shows on the cards how far an action in the scene has come. */
  showProgress(progress: Progress): void {
    this.cards.forEach((card) => card.showProgress(progress));
  }

  remove(): void {
    this.stopCounting();
    this.root.remove();
  }

  private build({ question, isOverheard = false }: Turn): void {
    this.root.toggleAttribute("data-overheard", isOverheard);
    const said = isOverheard ? question : this.translate("chatYou", { text: question });
    const spoken = el("h3", { class: "question", "aria-label": said }, question);
    const parts = [this.thinking, this.first, this.more, this.answer, this.partners, this.foot];
    this.root.append(...(question === "" ? [] : [spoken]), ...parts);
  }

  private showWords({ answer }: Turn): void {
    this.written.appendData(answer.slice(this.written.length));
    this.answer.hidden = answer === "";
  }

  private showPartners(partners: readonly Partner[]): void {
    const list = partners.length > 0 ? [partnerList(partners, this.translate)] : [];
    this.partners.replaceChildren(...list);
  }

  /** Cards move when the answer chose; the focus stays where it is. */
  private showCards(turn: Turn): void {
    const focused = document.activeElement;
    const { first, more } = cardsOf(turn);
    this.first.replaceChildren(...first.map((each) => this.card(each)));
    this.rest.replaceChildren(...more.map((each) => this.card(each)));
    this.more.hidden = more.length === 0;
    this.restTitle.textContent = this.translate("chatMore", { count: more.length });
    this.first.scrollLeft = 0;
    if (focused instanceof HTMLElement && this.root.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
  }

  private card(product: Product): HTMLElement {
    const known = this.cards.get(product.id);
    const card = known ?? this.newCard(product);
    this.cards.set(product.id, card);
    return card.root;
  }

  private newCard(product: Product): Card {
    const voted = this.shown?.votes[product.id];
    const card = new Card(product, this.translate, this.cardActions(), voted);
    const progress = this.progress();
    if (progress) {
      card.showProgress(progress);
    }
    return card;
  }

  private cardActions(): ConstructorParameters<typeof Card>[2] {
    return {
      show: (product) => this.actions.show(product),
      vote: (helpful, productId) => this.actions.vote(this.shown?.id ?? "", helpful, productId),
    };
  }

  private showState(turn: Turn, before: Turn["state"] | undefined): void {
    const isRunning = turn.state === "running";
    this.thinking.hidden = !isRunning || turn.answer !== "";
    this.root.toggleAttribute("data-running", isRunning);
    if (turn.state !== before) {
      this.stopCounting();
      this.foot.replaceChildren(...this.footOf(turn));
    }
  }

  private footOf(turn: Turn): readonly HTMLElement[] {
    if (turn.state === "failed" && turn.fault) {
      return this.failed(turn, turn.fault);
    }
    if (turn.state === "cancelled") {
      return [this.note("chatCancelled")];
    }
    return turn.state === "done" ? this.done(turn) : [];
  }

  private done(turn: Turn): readonly HTMLElement[] {
    if (turn.answer === "" && turn.products.length + turn.partners.length === 0) {
      return [this.note("chatEmpty")];
    }
    const labels = {
      up: this.translate("chatHelpful"),
      down: this.translate("chatUnhelpful"),
    };
    const own = thumbs(labels, turn.votes[""], (helpful) =>
      this.actions.vote(turn.id, helpful),
    );
    return [...(turn.degraded ? [this.note("chatDegraded")] : []), own];
  }

  private failed(turn: Turn, fault: Fault): readonly HTMLElement[] {
    const again = button({ class: "again" }, () => this.actions.again(turn.id));
    this.count(again, Math.ceil(fault.retryAfter ?? 0));
    const reason = el(
      "p",
      { class: "fault", role: "alert" },
      faultWords(fault, this.translate),
    );
    return [reason, again];
  }

  /** Asking again too early would only be refused again. */
  private count(again: HTMLButtonElement, seconds: number): void {
    again.disabled = seconds > 0;
    again.textContent = this.translate(seconds > 0 ? "chatAgainIn" : "chatAgain", { seconds });
    if (seconds > 0) {
      this.stopCounting = this.clock.after(SECOND, () => this.count(again, seconds - 1));
    }
  }

  private note(key: TextKey): HTMLElement {
    return el("p", { class: "turn-note" }, this.translate(key));
  }
}

/** A fault in the visitor's language; the server's own words where the code says nothing. */
function faultWords({ code, message }: Fault, translate: Translate): string {
  const known = FAULTS[code];
  return known === undefined
    ? `${translate("chatFailed")} ${message}`.trim()
    : translate(known);
}
