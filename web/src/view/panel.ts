import { button, el, setAttributes } from "../dom";
import { type IconName, icon } from "../icons";
import type { Translate } from "../texts";

/** Something that wants the room beside the picture: the chat, a partner list. */
export interface PanelOffer {
  readonly id: string;
  readonly title: string;
  readonly icon: IconName;
  /** Fills the room, once, when it is first opened. */
  mount(room: HTMLElement): void;
  /** The room was opened: the place to put the focus. */
  opened?(): void;
}

interface Tenant {
  readonly room: HTMLElement;
  readonly opener: HTMLButtonElement;
  readonly offer: PanelOffer;
  isMounted: boolean;
}

/**
 * The room beside the picture, at the bottom on a phone. It takes no space and has no button
 * until somebody offers something for it.
 */
export class SidePanel {
  readonly root: HTMLElement;
  /** The openers, for the control bar. */
  readonly openers = el("div", { class: "openers" });
  private readonly heading = el("h2", {});
  private readonly rooms = el("div", { class: "rooms" });
  private readonly tenants = new Map<string, Tenant>();

  constructor(
    translate: Translate,
    private readonly onChange: () => void,
  ) {
    const close = { class: "icon-button small", "aria-label": translate("close") };
    const header = el("header", {}, this.heading);
    header.append(button(close, () => this.close(), icon("close")));
    const attributes = { class: "panel", "aria-label": translate("panel"), hidden: true };
    this.root = el("aside", attributes, header, this.rooms);
    this.root.addEventListener("keydown", (event) => this.closeByKey(event));
  }

  get hasOffers(): boolean {
    return this.tenants.size > 0;
  }

  get isOpen(): boolean {
    return !this.root.hidden;
  }

  /** Takes an offer: its button appears in the control bar, ordered by `id`. */
  offer(offer: PanelOffer): void {
    this.withdraw(offer.id);
    const label = el("span", {}, offer.title);
    const named = { "aria-label": offer.title, "data-opener": offer.id };
    const attributes = { class: "icon-button labelled", ...named };
    const opener = button(attributes, () => this.toggle(offer.id), icon(offer.icon), label);
    const room = el("div", { class: "room", "data-room": offer.id, hidden: true });
    this.tenants.set(offer.id, { room, opener, offer, isMounted: false });
    const ids = [...this.tenants.keys()].sort();
    const next = this.tenants.get(ids[ids.indexOf(offer.id) + 1] ?? "");
    this.openers.insertBefore(opener, next?.opener ?? null);
    this.rooms.append(room);
    setAttributes(opener, { "aria-expanded": "false" });
    this.onChange();
  }

  /** Takes the offer back, with its button and its content. */
  withdraw(id: string): void {
    const tenant = this.tenants.get(id);
    if (tenant) {
      if (!tenant.room.hidden) {
        this.close();
      }
      tenant.room.remove();
      tenant.opener.remove();
      this.tenants.delete(id);
      this.onChange();
    }
  }

  /** Whether the room of this name stands open. */
  isShown(id: string): boolean {
    return this.isOpen && this.tenants.get(id)?.room.hidden === false;
  }

  /** Marks the button of a room in which something is new. */
  mark(id: string, isNew: boolean): void {
    this.tenants.get(id)?.opener.toggleAttribute("data-new", isNew);
  }

  open(id: string): void {
    for (const tenant of this.tenants.values()) {
      this.showTenant(tenant, tenant.offer.id === id);
    }
    this.root.hidden = !this.tenants.has(id);
    this.onChange();
    this.tenants.get(id)?.offer.opened?.();
  }

  close(): void {
    this.open("");
  }

  private toggle(id: string): void {
    this.open(this.isShown(id) ? "" : id);
  }

  private showTenant(tenant: Tenant, isShown: boolean): void {
    tenant.room.hidden = !isShown;
    tenant.opener.setAttribute("aria-expanded", String(isShown));
    if (isShown) {
      this.heading.textContent = tenant.offer.title;
      this.mount(tenant);
    }
  }

  /** Escape closes the room and goes back to its button; the one that ends a word does not. */
  private closeByKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && !event.isComposing) {
      const open = [...this.tenants.values()].find(({ room }) => !room.hidden);
      this.close();
      open?.opener.focus();
    }
  }

  private mount(tenant: Tenant): void {
    if (!tenant.isMounted) {
      tenant.isMounted = true;
      tenant.offer.mount(tenant.room);
    }
  }
}
