/** As much of the library's sender as is used here: every message to the streamer goes by it. */
export interface Sender {
  sendMessageToStreamer(type: string, data?: (number | string)[]): void;
}

/** What is no input: the stream's own affairs. */
const CONTROL = new Set([
  "IFrameRequest",
  "FpsRequest",
  "AverageBitrateRequest",
  "StartStreaming",
  "StopStreaming",
  "LatencyTest",
  "RequestInitialSettings",
  "TestEcho",
  "DataChannelLatencyTest",
  "GamepadDisconnected",
]);

/** What sets quality, size and the like for all who watch: never a guest's affair. */
const SETTINGS = new Set(["RequestQualityControl", "Command"]);

/** What is held down by which message, and let go of by which. */
const RELEASES: Readonly<Record<string, string>> = {
  KeyDown: "KeyUp",
  MouseDown: "MouseUp",
  TouchStart: "TouchEnd",
  GamepadButtonPressed: "GamepadButtonReleased",
};

/** The messages that let go, by what they let go of. */
const PRESSES = Object.fromEntries(Object.entries(RELEASES).map(([down, up]) => [up, down]));

/**
 * Stands before the streamer: closed, nothing that a person does gets through, whoever in the page
 * sends it. What was held down is let go of first, or the scene would go on turning for ever.
 */
export class InputGate {
  private isClosed = false;
  private readonly held = new Map<string, { release: string; data: (number | string)[] }>();
  private readonly send: (type: string, data?: (number | string)[]) => void;

  constructor(
    sender: Sender,
    private readonly isGuest: boolean,
  ) {
    this.send = sender.sendMessageToStreamer.bind(sender);
    // The library's own method is replaced, since all of its controllers call it there.
    Object.assign(sender, {
      sendMessageToStreamer: (type: string, data?: (number | string)[]) =>
        this.pass(type, data),
    });
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  open(): void {
    this.isClosed = false;
  }

  close(): void {
    for (const { release, data } of this.held.values()) {
      this.send(release, data);
    }
    this.held.clear();
    this.isClosed = true;
  }

  private pass(type: string, data: (number | string)[] = []): void {
    if (this.lets(type)) {
      this.note(type, data);
      this.send(type, data);
    }
  }

  private lets(type: string): boolean {
    if (SETTINGS.has(type)) {
      return !this.isGuest;
    }
    return CONTROL.has(type) || !this.isClosed;
  }

  private note(type: string, data: readonly (number | string)[]): void {
    const release = RELEASES[type];
    const pressed = PRESSES[type];
    if (release !== undefined) {
      this.held.set(keyOf(type, data), { release, data: releasing(type, data) });
    } else if (pressed !== undefined) {
      this.held.delete(keyOf(pressed, data));
    }
  }
}

/** Which of the things that can be held down: the key, the button, the finger, the pad's button. */
function keyOf(type: string, data: readonly (number | string)[]): string {
  const which = {
    TouchStart: data.slice(3, 4),
    GamepadButtonPressed: data.slice(0, 2),
  }[type];
  return [type, ...(which ?? data.slice(0, 1))].join(" ");
}

/** The fields of the message that lets go: `KeyUp` has one less than `KeyDown`. */
function releasing(type: string, data: readonly (number | string)[]): (number | string)[] {
  return type === "KeyDown" ? data.slice(0, 1) : [...data];
}
