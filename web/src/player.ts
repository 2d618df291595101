import {
  type AggregatedStats,
  Config,
  Flags,
  MessageDirection,
  MessageHelpers,
  Messages,
  NumericParameters,
  OptionParameters,
  PixelStreaming,
  type ShowOnScreenKeyboardEvent,
  type WebSocketTransport,
} from "@epicgames-ps/lib-pixelstreamingfrontend-ue5.5";
import type { Wish } from "./address";
import type { Closing } from "./closing";
import { type Entry, Refused } from "./guests/entry";
import { InputGate } from "./inputgate";
import { PLACE_NEWS, type PlaceNews } from "./place";
import { ResumingSocket, silence, type Wire } from "./resuming";
import { sampleOf } from "./sample";
import type { Clock, Link } from "./session";
import type { Settings, Switch } from "./settings";
import type { Sample } from "./statistics";

/** What the streamer asks for when one of its text fields wants typing. */
export type TextRequest = ShowOnScreenKeyboardEvent["data"];

/** What a player tells. */
export interface PlayerEvents {
  opened(): void;
  closed(closing: Closing): void;
  listed(ids: readonly string[]): void;
  told(news: PlaceNews): void;
  /** The picture is about to go. */
  leaving(): void;
  refused(problem: string): void;
  renamed(id: string): void;
  played(): void;
  /** The browser refused to play; `needsClick` when it refuses without sound too. */
  rejected(needsClick: boolean): void;
  /** Once a second while media is negotiated. */
  measured(sample: Sample, connection: RTCPeerConnectionState): void;
  /** A still picture covers the video, or does no longer. */
  frozen(isFrozen: boolean): void;
  textWanted(request: TextRequest): void;
  /** A guest is not let in, and will not be. */
  turnedAway(code: string): void;
  /** The streamer told its settings; it may have changed how the mouse works. */
  configured(): void;
}

/** The library's names of our switches; `lockMouse` is its opposite. */
const FLAGS = {
  lockMouse: Flags.HoveringMouseMode,
  captureKeys: Flags.SuppressBrowserKeys,
  touchAsMouse: Flags.FakeMouseWithTouches,
  matchSize: Flags.MatchViewportResolution,
  microphone: Flags.UseMic,
} as const;

/** What a person does, as the library's switches name it. */
const INPUTS = [
  Flags.KeyboardInput,
  Flags.MouseInput,
  Flags.TouchInput,
  Flags.GamepadInput,
  Flags.XRControllerInput,
] as const;

/**
 * Epic's frontend library behind the few things this page wants of it: the only module, beside
 * the log and the samples, that knows it. The library carries media, input and the data channel;
 * which streamer to play and when to connect is the session's affair.
 */
export class Player implements Link {
  readonly library: PixelStreaming;
  private isDropping = false;
  private socket: ResumingSocket | undefined;
  private readonly gate: InputGate;
  private readonly wantedInputs: readonly (typeof INPUTS)[number][];
  private readonly lostHandlers: ((isForGood: boolean) => void)[] = [];
  private connecting = 0;

  constructor(
    readonly stage: HTMLElement,
    signallingUrl: () => string,
    settings: Settings,
    clock: Clock,
    private readonly wish: () => Wish,
    private readonly events: PlayerEvents,
    private readonly entry?: Entry,
  ) {
    this.library = new PixelStreaming(configOf(settings), { videoElementParent: stage });
    const { config } = this.library;
    this.wantedInputs = INPUTS.filter((flag) => config.isFlagEnabled(flag));
    this.gate = new InputGate(this.controller.sendMessageController, entry !== undefined);
    this.library.setSignallingUrlBuilder(signallingUrl);
    this.carryOverBreaks(clock);
    this.registerLatencyTest();
    this.listenToSocket();
    this.listenToMedia();
    new ResizeObserver(() => this.controller.resizePlayerStyle()).observe(stage);
  }

  get video(): HTMLVideoElement {
    return this.controller.videoPlayer.getVideoElement();
  }

  connect(): void {
    this.connecting += 1;
    if (this.entry) {
      void this.enter(this.entry, this.connecting);
    } else {
      this.library.connect();
    }
  }

  /** Connects a guest, once the server has taken what it brings. */
  private async enter(entry: Entry, attempt: number): Promise<void> {
    const isCurrent = (): boolean => attempt === this.connecting;
    try {
      await entry.enter();
    } catch (problem) {
      if (isCurrent() && problem instanceof Refused) {
        this.events.turnedAway(problem.code);
      } else if (isCurrent()) {
        this.events.closed({ code: 1006, reason: "" });
      }
      return;
    }
    if (isCurrent()) {
      this.library.connect();
    }
  }

  /**
   * Lets what a person does through to the scene, or nothing of it. The library's listeners go
   * with it, so that a page that does not steer takes no keys and locks no mouse.
   */
  letInput(isAllowed: boolean): void {
    if (isAllowed === this.gate.isOpen) {
      return;
    }
    const { config } = this.library;
    if (isAllowed) {
      this.gate.open();
    } else {
      this.gate.close();
    }
    this.wantedInputs.forEach((flag) => config.setFlagEnabled(flag, isAllowed));
  }

  /** Calls `handler` when the socket broke, and with true when it is gone. */
  onLost(handler: (isForGood: boolean) => void): void {
    this.lostHandlers.push(handler);
  }

  /**
   * Closes socket and media now. A browser waits for the other side's close frame, in vain when
   * the network is gone, so the library is told of the closing here.
   */
  drop(): void {
    this.connecting += 1;
    this.events.leaving();
    this.isDropping = true;
    const { transport } = this;
    const socket = transport.webSocket;
    if (socket && socket.readyState !== WebSocket.CLOSED) {
      silence(socket);
      socket.close(1000);
      transport.emit("close", new CloseEvent("close", { code: 1000 }));
    }
    this.peerConnection?.close();
    this.isDropping = false;
  }

  list(): void {
    this.send(MessageHelpers.createMessage(Messages.listStreamers));
  }

  claim(token: string | undefined): void {
    const request = { type: "sessionRequest", ...this.wish() };
    const resumption = { type: "sessionResume", token };
    const room = { type: "roomOpen" }; // a guest's place is its visitor's
    this.send(this.entry ? room : token === undefined ? request : resumption);
  }

  reportInput(): void {
    this.send({ type: "sessionInput" });
  }

  keepStill(): void {
    this.events.leaving();
  }

  subscribe(id: string): void {
    this.events.leaving();
    this.unsubscribe();
    const { config } = this.library;
    config.setOptionSettingOptions(OptionParameters.StreamerId, ["", id]);
    config.setOptionSettingValue(OptionParameters.StreamerId, id);
  }

  /**
   * Leaves the streamer in play. The library only closes the media, and a streamer that sees its
   * media close before it hears of the next subscription has the player removed.
   */
  private unsubscribe(): void {
    if (this.peerConnection?.remoteDescription) {
      this.send(MessageHelpers.createMessage(Messages.unsubscribe));
    }
  }

  /** Plays, after a click if need be. */
  play(): void {
    this.library.play();
  }

  get muted(): boolean {
    return this.library.config.isFlagEnabled(Flags.StartVideoMuted);
  }

  set muted(muted: boolean) {
    this.library.config.setFlagEnabled(Flags.StartVideoMuted, muted);
    for (const element of this.sounding) {
      element.muted = muted;
    }
  }

  set volume(volume: number) {
    for (const element of this.sounding) {
      element.volume = volume;
    }
  }

  /** Whether the streamer sends sound. */
  get hasSound(): boolean {
    return this.sounding.some(({ srcObject }) => hasLiveAudio(srcObject));
  }

  get isMouseLocked(): boolean {
    return !this.library.config.isFlagEnabled(Flags.HoveringMouseMode);
  }

  /** Whether the address asks for the bare picture (`?HideUI=true`). */
  get isBare(): boolean {
    return this.library.config.isFlagEnabled(Flags.HideUI);
  }

  switch(name: Switch, on: boolean): void {
    this.library.config.setFlagEnabled(FLAGS[name], name === "lockMouse" ? !on : on);
  }

  /** Sends a message on the signalling socket, as chat and sessions do. */
  send(message: { readonly type: string }): void {
    if (this.transport.webSocket?.readyState === WebSocket.OPEN) {
      this.transport.sendMessage(JSON.stringify(message));
    }
  }

  /** Calls `handler` with each message of `type` that comes on the signalling socket. */
  on<Message>(type: string, handler: (message: Message) => void): void {
    this.library.signallingProtocol.on(type, handler);
  }

  /** Whether the signalling socket is open. */
  get isOpen(): boolean {
    return this.transport.webSocket?.readyState === WebSocket.OPEN;
  }

  /** Calls `handler` whenever a signalling socket opened. */
  onOpen(handler: () => void): void {
    this.transport.on("open", handler);
  }

  typeText(text: string): void {
    this.library.sendTextboxEntry(text);
  }

  /** Gives the scene a descriptor; false when the data channel is not open. */
  interact(descriptor: object): boolean {
    const isReachable = this.gate.isOpen && this.controller.dataChannelSender.canSend();
    return isReachable && this.library.emitUIInteraction(descriptor);
  }

  /** Calls `handler` whenever the scene may have become able to take descriptors. */
  onReach(handler: () => void): void {
    this.library.addEventListener("dataChannelOpen", handler);
    this.video.addEventListener("playing", handler);
  }

  /** Calls `handler` with each Response of the scene; one handler for each `name`. */
  onResponse(name: string, handler: (text: string) => void): void {
    this.library.addResponseEventListener(name, handler);
  }

  private get controller(): PixelStreaming["webRtcController"] {
    return this.library.webRtcController;
  }

  private get transport(): WebSocketTransport {
    return this.library.signallingProtocol.transport as WebSocketTransport;
  }

  private get peerConnection(): RTCPeerConnection | undefined {
    return this.controller.peerConnectionController?.peerConnection ?? undefined;
  }

  private get sounding(): readonly HTMLMediaElement[] {
    return [this.video, this.controller.streamController.audioElement];
  }

  /** Puts a socket that survives a broken network below the library. */
  private carryOverBreaks(clock: Clock): void {
    const { transport } = this;
    transport.connect = (url) => {
      const protocols = (): string | string[] | undefined =>
        this.entry?.protocols ?? transport.protocols;
      const open = (): Wire => new WebSocket(url, protocols()) as unknown as Wire;
      const socket = new ResumingSocket(open, clock);
      socket.onaway = () => this.lost(false);
      socket.onopen = () => transport.handleOnOpen();
      socket.onerror = () => transport.handleOnError();
      socket.onclose = (closing) => transport.handleOnClose(closing as CloseEvent);
      socket.onmessage = (event) => transport.handleOnMessage(event as MessageEvent);
      transport.webSocket = socket as unknown as WebSocket;
      this.socket = socket;
      return true;
    };
  }

  private lost(isForGood: boolean): void {
    this.lostHandlers.forEach((handler) => handler(isForGood));
  }

  /** The network may have changed. */
  hurry(): void {
    this.socket?.hurry();
  }

  private listenToSocket(): void {
    const { signallingProtocol: protocol } = this.library;
    // The library asks for the list at once; whether to is the session's affair.
    protocol.transport.removeAllListeners("open");
    protocol.transport.on("open", () => this.events.opened());
    for (const type of PLACE_NEWS) {
      protocol.on(type, (news: PlaceNews) => this.events.told(news));
    }
    protocol.transport.on("close", (event: CloseEvent) => {
      this.lost(true);
      if (!this.isDropping) {
        this.events.closed({ code: event.code, reason: event.reason });
      }
    });
    // The library's own choice from the list subscribes anew at each list and gives up after
    // three; the session's replaces it.
    protocol.removeAllListeners("streamerList");
    protocol.on("streamerList", (list: Messages.streamerList) => this.events.listed(list.ids));
    this.library.addEventListener("subscribeFailed", ({ data }) =>
      this.events.refused(data.message),
    );
    this.library.addEventListener("streamerIDChangedMessage", ({ data }) =>
      this.events.renamed(data.newID),
    );
  }

  private listenToMedia(): void {
    this.video.addEventListener("playing", () => this.events.played());
    this.library.addEventListener("videoInitialized", () => {
      if (!this.library.config.isFlagEnabled(Flags.AutoPlayVideo)) {
        this.events.rejected(true);
      }
    });
    this.library.addEventListener("playStreamRejected", ({ data }) =>
      this.rejected(data.reason),
    );
    this.library.addEventListener("statsReceived", ({ data }) =>
      this.measured(data.aggregatedStats),
    );
    this.library.addEventListener("initialSettings", () => this.events.configured());
    this.library.addEventListener("loadFreezeFrame", () => this.events.frozen(true));
    this.library.addEventListener("hideFreezeFrame", () => this.events.frozen(false));
    this.library.addEventListener("showOnScreenKeyboard", ({ data }) => {
      if (this.gate.isOpen) {
        this.events.textWanted(data);
      }
    });
  }

  private rejected(reason: unknown): void {
    if (reason instanceof DOMException && reason.name === "NotAllowedError") {
      this.events.rejected(this.muted);
    }
  }

  private measured(statistics: AggregatedStats): void {
    const state = this.peerConnection?.connectionState ?? "closed";
    this.events.measured(sampleOf(statistics), state);
  }

  /** Without a handler the library throws when a streamer's Protocol names this message. */
  private registerLatencyTest(): void {
    this.library.registerMessageHandler("DataChannelLatencyTest", MessageDirection.ToStreamer);
  }
}

/**
 * The library's options: Epic's parameters in the page's address are honoured, but for those that
 * would take the session's part (AutoConnect, MaxReconnectAttempts) or another server (ss).
 */
function configOf(settings: Settings): Config {
  const config = new Config({
    useUrlParams: true,
    initialSettings: {
      [Flags.AutoPlayVideo]: true,
      [Flags.HoveringMouseMode]: !settings.lockMouse,
      [Flags.SuppressBrowserKeys]: settings.captureKeys,
      [Flags.FakeMouseWithTouches]: settings.touchAsMouse,
      [Flags.MatchViewportResolution]: settings.matchSize,
      [Flags.StartVideoMuted]: settings.muted,
    },
  });
  config.setFlagEnabled(Flags.AutoConnect, false);
  config.setNumericSetting(NumericParameters.MaxReconnectAttempts, 0);
  return config;
}

function hasLiveAudio(source: MediaProvider | null): boolean {
  return source instanceof MediaStream && source.getAudioTracks().length > 0;
}
