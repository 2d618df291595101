// A streamer, players and an SFU made of Epic's own client library of one engine
// version, which hold a whole conversation and check each message they get as
// Epic's test client does: strict.mjs VERSION PLAYER_URL STREAMER_URL SFU_URL.
// Prints the faults found as a JSON list.
import { createRequire } from "node:module";

const [version, playerUrl, streamerUrl, sfuUrl] = process.argv.slice(2);
// The library's ES modules cannot be loaded by Node as they are; CommonJS can.
const epic = createRequire(import.meta.url)(
  `@epicgames-ps/lib-pixelstreamingcommon-ue${version}`,
);
const { MessageHelpers, Messages, SignallingProtocol } = epic;

const DEADLINE_MS = 5000;
const SDP = "v=0";
const CANDIDATE = {
  candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
  usernameFragment: "frag",
};

/** Fields that Epic's own server adds and its protocol file does not name. */
const UNNAMED = {
  dataChannelRequest: ["playerId"],
  peerDataChannelsReady: ["playerId"],
  streamerDataChannels: ["playerId"],
};

const faults = [];

/** Note what is wrong with a message by the protocol file. */
function check(who, message) {
  // Epic's registry of the messages lacks subscribeFailed and streamerIdChanged.
  const type = Messages[message.type];
  if (!type) {
    faults.push(`${who}: unknown message ${message.type}`);
    return;
  }
  const named = type.fields.map((field) => field.name);
  for (const field of type.fields.filter((each) => !each.opt)) {
    if (!(field.name in message)) faults.push(`${who}: ${message.type} misses ${field.name}`);
  }
  for (const name of Object.keys(message)) {
    const isKnown = named.includes(name) || UNNAMED[message.type]?.includes(name);
    if (!isKnown) faults.push(`${who}: ${message.type} has an unknown field ${name}`);
  }
}

class Client {
  #waiting = [];
  #arrived = [];

  constructor(who, url) {
    this.who = who;
    this.protocol = new SignallingProtocol(new epic.WebSocketTransportNJS());
    this.protocol.transport.addListener("message", (message) => this.#take(message));
    this.closed = new Promise((resolve) =>
      this.protocol.transport.addListener("close", (event) => resolve(event.code)),
    );
    this.protocol.connect(url);
  }

  #take(message) {
    check(this.who, message);
    const resolve = this.#waiting.shift();
    if (resolve) resolve(message);
    else this.#arrived.push(message);
  }

  /** The next message, which must be one of these types. */
  async hear(...types) {
    const message = this.#arrived.shift() ?? (await this.#next(types));
    if (!types.includes(message.type)) {
      faults.push(`${this.who}: ${message.type} came in place of ${types.join(" or ")}`);
    }
    return message;
  }

  #next(types) {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.who}: no ${types.join(" or ")} came`));
      const timer = setTimeout(late, DEADLINE_MS);
      this.#waiting.push((message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  }

  say(type, fields) {
    this.protocol.sendMessage(MessageHelpers.createMessage(Messages[type], fields));
  }

  /** Nothing else is under way. */
  async settled() {
    this.say("ping", { time: 7 });
    const { time } = await this.hear("pong");
    if (time !== 7) faults.push(`${this.who}: pong has another time`);
  }
}

async function introduced(who, url, id) {
  const client = new Client(who, url);
  await client.hear("config", "identify");
  await client.hear("config", "identify");
  client.say("endpointId", { id, protocolVersion: SignallingProtocol.SIGNALLING_VERSION });
  const { committedId } = await client.hear("endpointIdConfirm");
  if (committedId !== id) faults.push(`${who}: is called ${committedId}`);
  return client;
}

async function newPlayer(who) {
  const player = new Client(who, playerUrl);
  await player.hear("config");
  return player;
}

/** Subscribe, and exchange descriptions and candidates. */
async function watch(player, streamer, streamerId) {
  player.say("subscribe", { streamerId });
  const { playerId } = await streamer.hear("playerConnected");
  streamer.say("offer", { playerId, sdp: SDP });
  await player.hear("offer");
  player.say("answer", { sdp: SDP });
  await streamer.hear("answer");
  streamer.say("iceCandidate", { playerId, candidate: CANDIDATE });
  const { candidate } = await player.hear("iceCandidate");
  if (JSON.stringify(candidate) !== JSON.stringify(CANDIDATE)) {
    faults.push(`${player.who}: the candidate changed on its way`);
  }
  player.say("iceCandidate", { candidate: CANDIDATE });
  await streamer.hear("iceCandidate");
  return playerId;
}

async function streamerAndPlayers(streamer) {
  const player = await newPlayer("player");
  player.say("subscribe", { streamerId: "Nobody" });
  await player.hear("subscribeFailed");
  player.say("listStreamers");
  await player.hear("streamerList");
  const playerId = await watch(player, streamer, "Strict");
  player.say("layerPreference", { spatialLayer: 6, temporalLayer: 9 });
  await streamer.hear("layerPreference");
  streamer.say("endpointId", { id: "Stricter" });
  await streamer.hear("endpointIdConfirm");
  await player.hear("streamerIdChanged");
  streamer.say("endpointId", { id: "Strict" });
  await streamer.hear("endpointIdConfirm");
  await player.hear("streamerIdChanged");
  streamer.say("disconnectPlayer", { playerId, reason: "enough" });
  if ((await player.closed) !== 1011) faults.push("player: another close code");
  await streamer.hear("playerDisconnected");
}

async function overSfu(streamer) {
  const sfu = await introduced("sfu", sfuUrl, "Relay");
  sfu.say("listStreamers");
  await sfu.hear("streamerList");
  sfu.say("subscribe", { streamerId: "Strict" });
  const upstream = await streamer.hear("playerConnected");
  streamer.say("offer", { playerId: upstream.playerId, sdp: SDP, multiplex: false });
  await sfu.hear("offer");
  sfu.say("answer", { sdp: SDP });
  await streamer.hear("answer");
  sfu.say("startStreaming");
  await sfu.settled();
  const player = await newPlayer("player of the SFU");
  const playerId = await watch(player, sfu, "Relay");
  player.say("dataChannelRequest");
  await sfu.hear("dataChannelRequest");
  sfu.say("peerDataChannels", { playerId, sendStreamId: 1, recvStreamId: 2 });
  await player.hear("peerDataChannels");
  player.say("peerDataChannelsReady");
  await sfu.hear("peerDataChannelsReady");
  const streams = { sendStreamId: 1, recvStreamId: 2 };
  sfu.protocol.sendMessage({ type: "streamerDataChannels", playerId, ...streams });
  await streamer.hear("streamerDataChannels");
  streamer.protocol.disconnect();
  await sfu.hear("streamerDisconnected");
  await player.closed;
  await sfu.settled();
}

epic.Logger.InitLogging?.(epic.LogLevel?.Disabled ?? 0, false);
try {
  const streamer = await introduced("streamer", streamerUrl, "Strict");
  await streamer.settled();
  await streamerAndPlayers(streamer);
  await overSfu(streamer);
} catch (error) {
  faults.push(String(error));
}
process.stdout.write(`\n${JSON.stringify(faults)}\n`, () => process.exit(0));
