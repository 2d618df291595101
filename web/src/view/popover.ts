import { el, setAttributes } from "../dom";

let lastId = 0;

/** A small sheet above the control bar that a button opens and closes. */
export class Popover {
  readonly root: HTMLElement;

  constructor(
    private readonly opener: HTMLButtonElement,
    label: string,
    className: string,
    private readonly onToggle: (isOpen: boolean) => void = () => {},
  ) {
    lastId += 1;
    const id = `popover-${lastId}`;
    const attributes = {
      class: `popover ${className}`,
      role: "group",
      "aria-label": label,
      id,
    };
    this.root = el("div", { ...attributes, hidden: true });
    setAttributes(opener, { "aria-expanded": "false", "aria-controls": id });
    opener.addEventListener("click", () => this.toggle(!this.isOpen));
    document.addEventListener("pointerdown", (event) => this.closeFromOutside(event), true);
    document.addEventListener("keydown", (event) => this.closeByKey(event), true);
  }

  get isOpen(): boolean {
    return !this.root.hidden;
  }

  toggle(open: boolean): void {
    if (open !== this.isOpen) {
      this.root.hidden = !open;
      this.opener.setAttribute("aria-expanded", String(open));
      this.onToggle(open);
    }
  }

  private closeFromOutside(event: Event): void {
    const target = event.target as Node;
    if (this.isOpen && !this.root.contains(target) && !this.opener.contains(target)) {
      this.toggle(false);
    }
  }

  private closeByKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.isOpen) {
      event.stopPropagation(); // the scene does not get the key that closes a sheet
      this.toggle(false);
      this.opener.focus();
    }
  }
}
