/** What the watchdog looks at, once a second. */
export interface Pulse {
  readonly connection: RTCPeerConnectionState;
  readonly framesDecoded: number;
}

/** `stalled`: connected, yet no new frame. `lost`: the way to the streamer is gone. */
export type Health = "good" | "stalled" | "lost";

/** Seconds without a new frame before the visitor is told; a key frame may take two. */
const STALL_AFTER = 4;

/** Seconds of `disconnected` after which waiting for `failed` is no use (ICE takes 15 to 30). */
const LOST_AFTER = 8;

/** Tells from one look a second whether the picture still comes. */
export class Watchdog {
  private frames = -1;
  private still = 0;
  private apart = 0;

  /** Forgets what it saw: a new connection began. */
  reset(): void {
    this.frames = -1;
    this.still = 0;
    this.apart = 0;
  }

  see({ connection, framesDecoded }: Pulse): Health {
    this.still = framesDecoded === this.frames ? this.still + 1 : 0;
    this.frames = framesDecoded;
    this.apart = connection === "disconnected" ? this.apart + 1 : 0;
    if (connection === "failed" || this.apart >= LOST_AFTER) {
      return "lost";
    }
    return this.still >= STALL_AFTER ? "stalled" : "good";
  }
}
