// A page of a few lines around Epic's library of one engine version, which the
// build puts in the place of "frontend". ?offers makes the browser send the offer.
import { Config, Flags, PixelStreaming } from "frontend";

const CELLS_PER_WIDTH = 64;
const NUMBER_BITS = 24;
const CHECK_BITS = 6;
const CONNECTIONS = [];

// The statistics are the browser's own, since each version hides its connection elsewhere.
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...options) {
    super(...options);
    CONNECTIONS.push(this);
  }
};

const offers = new URLSearchParams(location.search).has("offers");
const pixelStreaming = new PixelStreaming(
  new Config({
    initialSettings: {
      ss: `ws://${location.host}/`,
      AutoConnect: true,
      AutoPlayVideo: true,
      StartVideoMuted: true,
      HoveringMouse: true,
      ...(offers ? { [Flags.BrowserSendOffer]: true } : {}),
    },
  }),
  { videoElementParent: document.getElementById("video") },
);

const seen = { responses: [], settings: 0, playerCount: null };
pixelStreaming.addEventListener("initialSettings", () => (seen.settings += 1));
pixelStreaming.addEventListener("playerCount", ({ data }) => (seen.playerCount = data.count));
pixelStreaming.addResponseEventListener("test", (response) => seen.responses.push(response));

/** The number drawn into the picture; null while none can be read. */
function frameNumber() {
  const video = document.querySelector("video");
  if (!video?.videoWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const cell = Math.floor(canvas.width / CELLS_PER_WIDTH);
  const y = canvas.height - 1 - Math.floor(cell / 2);
  const level = (column) => context.getImageData(column * cell + (cell >> 1), y, 1, 1).data[1];
  const [white, black] = [level(0), level(1)];
  if (white - black < 64) return null;
  const bits = (from, count) =>
    Array.from({ length: count }, (_, n) => (level(from + n) > (white + black) / 2 ? 1 : 0));
  const value = (cells) => cells.reduce((sum, bit) => sum * 2 + bit, 0);
  const number = bits(2, NUMBER_BITS);
  const ones = number.reduce((sum, bit) => sum + bit, 0);
  return value(bits(2 + NUMBER_BITS, CHECK_BITS)) === ones ? value(number) : null;
}

/** What the browser says of the incoming video. */
async function videoStatistics() {
  for (const connection of CONNECTIONS) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") return report;
    }
  }
  return null;
}

window.page = {
  ask: (action) => pixelStreaming.emitUIInteraction({ action }),
  connections: () => CONNECTIONS.filter((each) => each.connectionState !== "closed").length,
  frameNumber,
  /** What the page was told it is called; only from 5.7 on it keeps that. */
  playerId: () => pixelStreaming._webRtcController.playerId ?? null,
  seen,
  videoStatistics,
};
