// Tables for thousands of rows: filtered, sorted, some at a time, and rows stay while unchanged.
const FIRST = 25;
const STEP = 100;

export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

/**
 * Draws items into `<tbody id>` below a heading.
 *
 * A column is `{title, text(item), sort?(item), draw?(item, text)}`; `actions(item)` returns
 * `{label, name, run}` for the buttons of a row; `state(item)` is what the choice above filters by.
 */
export class Table {
  constructor({ id, title, noun, nothing, columns, key, actions = () => [], state, states = [] }) {
    Object.assign(this, { noun, nothing, columns, key, actions, state });
    this.items = [];
    this.query = "";
    this.limit = FIRST;
    this.order = null;
    this.known = new Map();
    this.count = element("span", "", "count");
    this.body = element("tbody");
    this.body.id = id;
    this.more = element("button", "", "more");
    this.more.type = "button";
    this.more.addEventListener("click", () => this.redraw(this.limit + STEP));
    this.root = this.section(title, states);
  }

  show(items) {
    this.items = items;
    this.redraw(this.limit);
  }

  filter(query) {
    this.query = query.trim().toLowerCase();
    this.redraw(FIRST);
  }

  section(title, states) {
    const root = element("section");
    const head = element("div", "", "head");
    const heading = element("h2", title);
    heading.id = `${this.body.id}-title`;
    root.setAttribute("aria-labelledby", heading.id);
    head.append(heading, this.count);
    if (states.length) head.append(this.choice(title, states));
    const scroll = element("div", "", "scroll");
    const table = element("table");
    table.append(this.header(), this.body);
    scroll.append(table);
    root.append(head, scroll, this.more);
    return root;
  }

  choice(title, states) {
    this.select = element("select");
    this.select.ariaLabel = `State of ${title.toLowerCase()}`;
    for (const [value, text] of [["", "any state"], ...states.map((s) => [s, s])]) {
      const option = element("option", text);
      option.value = value;
      this.select.append(option);
    }
    this.select.addEventListener("change", () => this.redraw(FIRST));
    return this.select;
  }

  header() {
    const row = element("tr");
    this.heads = this.columns.map((column) => {
      const cell = element("th");
      cell.scope = "col";
      const button = element("button", column.title, "sort");
      button.type = "button";
      button.addEventListener("click", () => this.sortBy(column));
      cell.append(button);
      return cell;
    });
    row.append(...this.heads, element("th"));
    const head = element("thead");
    head.append(row);
    return head;
  }

  sortBy(column) {
    const falls = this.order?.column === column && !this.order.falls;
    this.order = { column, falls };
    this.heads.forEach((cell, at) => {
      const sorted = this.columns[at] === column;
      cell.ariaSort = sorted ? (falls ? "descending" : "ascending") : null;
    });
    this.redraw(FIRST);
  }

  redraw(limit) {
    this.limit = limit;
    const fitting = this.sorted(this.items.filter((item) => this.fits(item)));
    const rows = fitting.slice(0, limit).map((item) => this.rowOf(item));
    this.place(rows.length ? rows : [this.emptyRow()]);
    const all = this.items.length.toLocaleString();
    const some = fitting.length.toLocaleString();
    this.count.textContent = fitting.length === this.items.length ? all : `${some} of ${all}`;
    const left = fitting.length - rows.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show more ${this.noun} (${left.toLocaleString()})`;
  }

  fits(item) {
    if (this.select?.value && this.state(item) !== this.select.value) return false;
    if (!this.query) return true;
    return this.columns.some((column) => column.text(item).toLowerCase().includes(this.query));
  }

  sorted(items) {
    if (!this.order) return items;
    const { column, falls } = this.order;
    const value = column.sort ?? column.text;
    const sign = falls ? -1 : 1;
    return items.sort((one, other) => sign * compare(value(one), value(other)));
  }

  /** Returns the row that is there already if it still says the same. */
  rowOf(item) {
    const texts = this.columns.map((column) => column.text(item));
    const actions = this.actions(item);
    const says = JSON.stringify([texts, this.state?.(item), actions.map((a) => a.label)]);
    const key = this.key(item);
    const known = this.known.get(key);
    if (known?.says === says) return known.row;
    const row = this.draw(item, texts, actions);
    this.known.set(key, { says, row });
    return row;
  }

  draw(item, texts, actions) {
    const row = element("tr");
    this.columns.forEach((column, at) => {
      const cell = element("td");
      cell.dataset.label = column.title;
      cell.append(...[column.draw?.(item, texts[at]) ?? texts[at]].flat());
      row.append(cell);
    });
    const buttons = element("td", "", "actions");
    buttons.append(...actions.map((action) => button(action)));
    row.append(buttons);
    return row;
  }

  emptyRow() {
    const row = element("tr");
    const cell = element("td", this.items.length ? "Nothing fits the filter." : this.nothing, "empty");
    cell.colSpan = this.columns.length + 1;
    row.append(cell);
    return row;
  }

  place(rows) {
    const there = [...this.body.children];
    if (there.length !== rows.length || rows.some((row, at) => row !== there[at])) {
      const focused = this.body.contains(document.activeElement)
        ? document.activeElement.dataset.key : undefined;
      this.body.replaceChildren(...rows);
      if (focused) this.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
    const kept = new Set(rows);
    for (const [key, { row }] of this.known) if (!kept.has(row)) this.known.delete(key);
  }
}

function button({ label, name, run }) {
  const made = element("button", label);
  made.type = "button";
  made.ariaLabel = `${label} ${name}`;
  made.dataset.key = made.ariaLabel;
  made.addEventListener("click", () => run(made));
  return made;
}
