/** The way of the packets. */
export interface Route {
  readonly isRelayed: boolean;
  /** `UDP`, `TCP` or `TLS`. */
  readonly protocol: string;
}

/** What WebRTC's statistics say at one moment; `undefined` where the browser does not tell. */
export interface Sample {
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly framesPerSecond: number | undefined;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly freezeCount: number;
  readonly bitrateKbps: number | undefined;
  readonly roundTripMs: number | undefined;
  readonly jitterMs: number | undefined;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly codec: string | undefined;
  /** Average quantiser of the streamer's encoder, 0 (best) to 51 for H.264. */
  readonly qp: number | undefined;
  readonly route: Route | undefined;
}

/** A sample with what only two samples tell. */
export interface Figures extends Sample {
  /** Share of packets lost since the sample before, 0 to 1. */
  readonly lossRatio: number;
}

/** The figures at `now`, given the sample before. */
export function figuresOf(now: Sample, before: Sample | undefined): Figures {
  const lost = Math.max(0, now.packetsLost - (before?.packetsLost ?? 0));
  const received = Math.max(0, now.packetsReceived - (before?.packetsReceived ?? 0));
  const sent = lost + received;
  return { ...now, lossRatio: sent === 0 ? 0 : lost / sent };
}

/** How good the line is: three bars, two or one. */
export type Grade = 1 | 2 | 3;

/** Limits from which input feels late (round trip) or the picture breaks (loss). */
const FAIR = { roundTripMs: 80, lossRatio: 0.01 };
const POOR = { roundTripMs: 180, lossRatio: 0.05 };

export function gradeOf(figures: Figures): Grade {
  if (exceeds(figures, POOR)) {
    return 1;
  }
  return exceeds(figures, FAIR) ? 2 : 3;
}

function exceeds(figures: Figures, limit: typeof FAIR): boolean {
  return (figures.roundTripMs ?? 0) > limit.roundTripMs || figures.lossRatio > limit.lossRatio;
}

/** Kilobits per second as people write them: `850 kbit/s`, `4.2 Mbit/s`. */
export function formatBitrate(kbps: number): string {
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`;
}

/** The last `size` numbers of a series, for a small curve. */
export class History {
  readonly values: number[] = [];

  constructor(private readonly size: number) {}

  add(value: number): void {
    this.values.push(value);
    if (this.values.length > this.size) {
      this.values.shift();
    }
  }

  /** Points of an SVG polyline that fills `width` by `height`; empty below two values. */
  points(width: number, height: number): string {
    const top = Math.max(...this.values, 1) * 1.15;
    const step = width / (this.size - 1);
    const first = this.size - this.values.length;
    const point = (value: number, index: number): string =>
      `${((first + index) * step).toFixed(1)},${(height * (1 - value / top)).toFixed(1)}`;
    return this.values.length < 2 ? "" : this.values.map(point).join(" ");
  }
}
