import { button, el } from "../dom";
import { icon } from "../icons";
import type { TextKey, Translate } from "../texts";
import { pictureUrls, safeUrl } from "./link";
import type { Product } from "./messages";
import { formatPrice } from "./money";
import type { Progress } from "./scene";
import { thumbs } from "./thumbs";

/** What a visitor can do with a product. */
export interface CardActions {
  show(product: Product): void;
  vote(helpful: boolean, productId: string): void;
}

const LABELS: Readonly<Record<Progress["state"], TextKey>> = {
  kept: "chatKept",
  sent: "chatSent",
  accepted: "chatShown",
  refused: "chatShow",
};

/** A product with its picture, its price, why it fits, and a button that shows it. */
export class Card {
  readonly root: HTMLElement;
  private readonly label = el("span");
  private readonly words = el("p", { class: "product-words", hidden: true });
  private readonly opener: HTMLButtonElement;

  constructor(
    private readonly product: Product,
    private readonly translate: Translate,
    private readonly actions: CardActions,
    private readonly voted?: boolean,
  ) {
    this.label.textContent = translate("chatShow");
    this.opener = this.createOpener();
    this.root = el("li", { class: "product" }, this.picture(), this.about());
  }

  /** Shows how far an action has come, if it is about this product. */
  showProgress({ action, state, words }: Progress): void {
    if (action.action !== "showProduct") {
      return;
    }
    const isThis = action.arguments.ueAsset === this.product.ueAsset;
    this.label.textContent = this.translate(isThis ? LABELS[state] : "chatShow");
    this.root.toggleAttribute("data-shown", isThis && state === "accepted");
    this.say(isThis && state === "refused" ? words : "", isThis && state === "refused");
  }

  private say(words: string, isRefused: boolean): void {
    const said = words === "" ? "" : ` ${this.translate("chatSceneSays", { words })}`;
    this.words.textContent = isRefused ? this.translate("chatRefused") + said : "";
    this.words.hidden = !isRefused;
  }

  private picture(): HTMLElement {
    const frame = el("div", { class: "product-picture" });
    this.fill(frame, pictureUrls(this.product.image, document.baseURI));
    return frame;
  }

  /** Shows the first of `sources` that there is, or that there is no picture. */
  private fill(frame: HTMLElement, [source, ...others]: readonly string[]): void {
    if (source === undefined) {
      frame.replaceChildren(icon("cube"));
      return;
    }
    const image = el("img", { alt: "", decoding: "async", referrerpolicy: "no-referrer" });
    image.addEventListener("error", () => this.fill(frame, others));
    image.src = source;
    frame.replaceChildren(image);
  }

  private about(): HTMLElement {
    const { name, price, currency, style, category, reason } = this.product;
    const kind = [category, style].filter(Boolean).join(" · ");
    const locale = document.documentElement.lang;
    return el(
      "div",
      { class: "product-about" },
      kind === "" ? undefined : el("p", { class: "product-kind" }, kind),
      el("h3", {}, name),
      el("p", { class: "product-price" }, formatPrice(price, currency, locale)),
      reason === "" ? undefined : el("p", { class: "product-reason" }, reason),
      this.words,
      this.row(),
    );
  }

  private row(): HTMLElement {
    const { id, name, ueAsset } = this.product;
    const labels = {
      up: this.translate("chatHelpfulNamed", { name }),
      down: this.translate("chatUnhelpfulNamed", { name }),
    };
    return el(
      "div",
      { class: "product-row" },
      ueAsset === "" ? undefined : this.opener,
      this.details(),
      thumbs(labels, this.voted, (helpful) => this.actions.vote(helpful, id)),
    );
  }

  private createOpener(): HTMLButtonElement {
    const { name } = this.product;
    const title = this.translate("chatShowNamed", { name });
    const show = (): void => this.actions.show(this.product);
    const named = el("span", { class: "for-readers" }, ` – ${name}`);
    return button({ class: "show", title }, show, icon("cube"), this.label, named);
  }

  private details(): HTMLElement | undefined {
    const href = safeUrl(this.product.url, document.baseURI);
    return href === undefined ? undefined : outward(href, this.product.name, this.translate);
  }
}

/** A link to a page of somebody else, in a tab of its own. */
export function outward(href: string, name: string, translate: Translate): HTMLElement {
  const label = translate("chatOpenNamed", { name });
  const attributes = { href, target: "_blank", rel: "noopener noreferrer" };
  const named = { class: "thumb", "aria-label": label, title: label };
  return el("a", { ...attributes, ...named }, icon("link"));
}
