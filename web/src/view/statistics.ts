import { button, el, svg } from "../dom";
import { icon } from "../icons";
import { type Figures, formatBitrate, History, type Route } from "../statistics";
import type { TextKey, Translate } from "../texts";

/** Seconds that the curves show. */
const CURVE_SECONDS = 60;
const CURVE = { width: 240, height: 34 };
const NONE = "–";

interface Row {
  readonly text: TextKey;
  readonly value: (figures: Figures, translate: Translate) => string;
}

const ROWS: readonly Row[] = [
  { text: "resolution", value: ({ width, height }) => (width ? `${width} × ${height}` : NONE) },
  { text: "frameRate", value: ({ framesPerSecond }) => number(framesPerSecond, 0, " fps") },
  { text: "bitrate", value: ({ bitrateKbps }) => optional(bitrateKbps, formatBitrate) },
  { text: "roundTrip", value: ({ roundTripMs }) => number(roundTripMs, 0, " ms") },
  { text: "jitter", value: ({ jitterMs }) => number(jitterMs, 1, " ms") },
  { text: "packetLoss", value: ({ lossRatio }) => number(100 * lossRatio, 1, " %") },
  { text: "codec", value: ({ codec }) => codec ?? NONE },
  { text: "qp", value: ({ qp }) => number(qp, 0, "") },
  { text: "dropped", value: ({ framesDropped }) => String(framesDropped) },
  { text: "freezes", value: ({ freezeCount }) => String(freezeCount) },
  { text: "route", value: ({ route }, translate) => routeText(route, translate) },
];

/** The figures of the running stream, with the last minute of bitrate and round trip as curves. */
export class StatisticsView {
  readonly root: HTMLElement;
  private readonly cells = ROWS.map(() => el("dd", {}, NONE));
  private readonly bitrate = new Curve("bitrate");
  private readonly roundTrip = new Curve("round-trip");

  constructor(
    private readonly translate: Translate,
    onClose: () => void,
  ) {
    const list = el("dl", {});
    for (const [index, row] of ROWS.entries()) {
      list.append(el("div", {}, el("dt", {}, translate(row.text)), this.cells[index]));
    }
    const title = translate("statistics");
    const close = { class: "icon-button small", "aria-label": translate("close") };
    this.root = el(
      "section",
      { class: "statistics", "aria-label": title, hidden: true },
      el("header", {}, el("h2", {}, title), button(close, onClose, icon("close"))),
      list,
      this.bitrate.figure(translate("bitrate")),
      this.roundTrip.figure(translate("roundTrip")),
    );
  }

  update(figures: Figures): void {
    this.bitrate.add(figures.bitrateKbps ?? 0);
    this.roundTrip.add(figures.roundTripMs ?? 0);
    for (const [index, row] of ROWS.entries()) {
      const cell = this.cells[index];
      if (cell) {
        cell.textContent = row.value(figures, this.translate);
      }
    }
  }
}

/** One small curve of the last minute. */
class Curve {
  private readonly history = new History(CURVE_SECONDS);
  private readonly line = svg("polyline", { class: "curve-line", points: "" });

  constructor(private readonly kind: string) {}

  figure(caption: string): HTMLElement {
    const { width, height } = CURVE;
    const box = `0 0 ${width} ${height}`;
    const attributes = { class: "curve", viewBox: box, preserveAspectRatio: "none" };
    const picture = svg("svg", { ...attributes, "aria-hidden": "true" }, this.line);
    const figure = el("figure", { "data-kind": this.kind }, el("figcaption", {}, caption));
    figure.append(picture);
    return figure;
  }

  add(value: number): void {
    this.history.add(value);
    this.line.setAttribute("points", this.history.points(CURVE.width, CURVE.height));
  }
}

function optional(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? NONE : format(value);
}

function number(value: number | undefined, digits: number, unit: string): string {
  return optional(value, (known) => `${known.toFixed(digits)}${unit}`);
}

function routeText(route: Route | undefined, translate: Translate): string {
  if (!route) {
    return NONE;
  }
  const way = translate(route.isRelayed ? "routeRelay" : "routeDirect");
  return `${way} (${route.protocol})`;
}
