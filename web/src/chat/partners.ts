import { el } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../texts";
import { outward } from "./card";
import { safeUrl } from "./link";
import type { Partner } from "./messages";
import { formatPrice, formatRange } from "./money";

/** People who can help, with where they work and for how much. */
export function partnerList(partners: readonly Partner[], translate: Translate): HTMLElement {
  const attributes = { class: "partners", "aria-label": translate("chatPartners") };
  return el("ul", attributes, ...partners.map((each) => partnerItem(each, translate)));
}

function partnerItem(partner: Partner, translate: Translate): HTMLElement {
  const { name, kind, regions, styles, about: words } = partner;
  const href = safeUrl(partner.url, document.baseURI);
  const first = [...name].slice(0, 1).join("");
  const line = (text: string, className: string): HTMLElement | undefined =>
    text === "" ? undefined : el("p", { class: className }, text);
  const about = el(
    "div",
    { class: "partner-about" },
    line(
      [kind, regions.join(", "), styles.join(", ")].filter(Boolean).join(" · "),
      "product-kind",
    ),
    el("h3", {}, name),
    line(prices(partner, translate), "partner-price"),
    line(words, "product-reason"),
    inviter(partner, translate),
  );
  const mark = el("div", { class: "partner-mark", "aria-hidden": "true" }, first);
  const link = href === undefined ? undefined : outward(href, name, translate);
  return el("li", { class: "partner" }, mark, about, link);
}

/** Asks whoever invites people into the scene; shown where that is possible. */
function inviter({ id, name }: Partner, translate: Translate): HTMLElement {
  const invite = (event: Event): void => {
    const detail = { detail: { id, name }, bubbles: true };
    event.currentTarget?.dispatchEvent(new CustomEvent("invitepartner", detail));
  };
  const label = translate("togetherInviteNamed", { name });
  const attributes = {
    type: "button",
    class: "show invite",
    "aria-label": label,
    title: label,
  };
  const words = translate("togetherInvitePartner");
  const button = el("button", attributes, icon("people"), el("span", {}, words));
  button.addEventListener("click", invite);
  return button;
}

function prices({ priceFrom, priceTo, currency }: Partner, translate: Translate): string {
  const { lang } = document.documentElement;
  return formatRange([priceFrom, priceTo], (each) => formatPrice(each, currency, lang), {
    from: (price) => translate("chatFrom", { price }),
    upTo: (price) => translate("chatUpTo", { price }),
  });
}
