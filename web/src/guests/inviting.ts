import { button, el } from "../dom";
import { icon } from "../icons";
import type { TextKey, Translate } from "../texts";
import { linkTo } from "./entry";
import type { Invitation } from "./messages";
import type { Room } from "./room";

const COPIED_MS = 2500;
const FAULTS: Readonly<Record<string, TextKey>> = {
  too_many_guests: "togetherTooMany",
  not_watching: "togetherNotYet",
  rate_limited: "togetherRate",
};

/** What the page says about a refusal in the room. */
export function textOfFault(code: string): TextKey {
  return FAULTS[code] ?? "togetherFailed";
}

/** The visitor's way to a guest: a form for the link, then the link itself until it is used. */
export class Inviting {
  readonly root = el("section", { class: "inviting" });
  private readonly forWhom: HTMLInputElement;
  private readonly ownName: HTMLInputElement;
  private readonly form: HTMLFormElement;
  private readonly open = el("div", { class: "open-links" });
  private readonly fault = el("p", { class: "fault", role: "alert", hidden: true });
  /** The links that this page made; the server tells each token once. */
  private readonly links = new Map<string, string>();
  private shown = "";
  /** Guests that the server lets a visitor have. */
  most = 1;

  constructor(
    private readonly translate: Translate,
    private readonly room: Room,
  ) {
    this.forWhom = this.field("togetherFor");
    this.ownName = this.field("togetherOwnName");
    this.form = this.createForm();
    this.root.append(this.form, this.open, this.fault);
  }

  /** Asks for a link for `name`. */
  invite(name: string, partnerId = ""): void {
    this.fault.hidden = true;
    this.room.invite(name, this.ownName.value.trim(), partnerId);
  }

  made(invitation: Invitation, token: string): void {
    this.links.set(invitation.id, linkTo(location, token));
    this.forWhom.value = "";
    this.shown = "";
    this.update();
    const link = this.open.querySelector<HTMLElement>(
      `[data-invitation="${invitation.id}"] input`,
    );
    link?.focus({ preventScroll: true });
  }

  failed(code: string): void {
    this.fault.textContent = this.translate(textOfFault(code));
    this.fault.hidden = false;
  }

  update(): void {
    const invitations = this.room.state?.invitations ?? [];
    const fingerprint = JSON.stringify(invitations);
    if (fingerprint !== this.shown) {
      this.shown = fingerprint; // a list that did not change must not take the focus away
      const open = invitations.filter(isOpen);
      this.form.hidden = open.length + this.room.others.length >= this.most;
      this.open.replaceChildren(...open.map((each) => this.link(each)));
    }
  }

  private createForm(): HTMLFormElement {
    const { translate } = this;
    const submit = el(
      "button",
      { type: "submit", class: "primary" },
      translate("togetherInvite"),
    );
    const form = el(
      "form",
      { class: "invite-form" },
      el("h3", {}, translate("togetherWelcome")),
      el("p", { class: "quiet" }, translate("togetherHint")),
      this.labelled("togetherFor", this.forWhom),
      this.labelled("togetherOwnName", this.ownName),
      submit,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.invite(this.forWhom.value.trim());
    });
    return form;
  }

  private field(label: TextKey): HTMLInputElement {
    return el("input", { maxlength: "64", autocomplete: "off", name: label });
  }

  private labelled(label: TextKey, field: HTMLInputElement): HTMLElement {
    return el("label", { class: "field" }, el("span", {}, this.translate(label)), field);
  }

  private link(invitation: Invitation): HTMLElement {
    const { translate } = this;
    const { id, name } = invitation;
    const href = invitation.isUsed ? undefined : this.links.get(id);
    const title = name ? translate("togetherLinkFor", { name }) : translate("togetherLink");
    return el(
      "div",
      { class: "open-link", "data-invitation": id },
      el("h3", {}, invitation.isUsed && name ? name : title),
      ...(href === undefined ? [] : this.actions(href, title)),
      el("p", { class: "quiet" }, this.about(invitation, href !== undefined)),
      button({ class: "plain" }, () => this.room.revoke(id), translate("togetherTakeBack")),
    );
  }

  private about({ isUsed, expiresAt }: Invitation, isKnown: boolean): string {
    const { lang } = document.documentElement;
    const time = new Date(expiresAt).toLocaleTimeString(lang, { timeStyle: "short" });
    const unused = isKnown ? "togetherUntil" : "togetherOut";
    return this.translate(isUsed ? "togetherAbsent" : unused, { time });
  }

  private actions(href: string, title: string): readonly HTMLElement[] {
    const { translate } = this;
    const field = el("input", { readonly: true, value: href, "aria-label": title });
    field.addEventListener("focus", () => field.select());
    const label = el("span", { "aria-live": "polite" }, translate("togetherCopy"));
    const copy = button(
      { class: "secondary" },
      () => void this.copy(field, label),
      icon("copy"),
      label,
    );
    const share = button(
      { class: "secondary" },
      () => this.share(href),
      icon("share"),
      translate("togetherShare"),
    );
    share.hidden = !("share" in navigator);
    return [field, el("div", { class: "link-actions" }, copy, share)];
  }

  private async copy(field: HTMLInputElement, label: HTMLElement): Promise<void> {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return; // not allowed here: the link stands selected, for the visitor's own hands
    }
    label.textContent = this.translate("togetherCopied");
    window.setTimeout(() => {
      label.textContent = this.translate("togetherCopy");
    }, COPIED_MS);
  }

  private share(url: string): void {
    const text = this.translate("togetherShareText");
    navigator.share({ text, url }).catch(() => undefined); // the visitor changed their mind
  }
}

/** Whether somebody may still come by `invitation`, who is not here. */
function isOpen({ isUsed, personId, expiresAt }: Invitation): boolean {
  return isUsed ? personId === "" : expiresAt > Date.now();
}
