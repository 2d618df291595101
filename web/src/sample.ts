import type {
  AggregatedStats,
  CandidatePairStats,
  InboundVideoStats,
} from "@epicgames-ps/lib-pixelstreamingfrontend-ue5.5";
import type { Route, Sample } from "./statistics";

/** The library's statistics as the page uses them: milliseconds, kilobits, plain names. */
export function sampleOf(statistics: AggregatedStats): Sample {
  const video = statistics.inboundVideoStats;
  const pair = statistics.getActiveCandidatePair() ?? undefined;
  return {
    ...pictureOf(video),
    ...packetsOf(video),
    bitrateKbps: video.bitrate,
    roundTripMs: milliseconds(pair?.currentRoundTripTime),
    jitterMs: milliseconds(video.jitter),
    codec: codecOf(statistics),
    qp: qpOf(statistics),
    route: routeOf(statistics, pair),
  };
}

type Picture = "width" | "height" | "framesPerSecond" | "framesDecoded" | "framesDropped";

function pictureOf(video: InboundVideoStats): Pick<Sample, Picture | "freezeCount"> {
  return {
    width: video.frameWidth,
    height: video.frameHeight,
    framesPerSecond: video.framesPerSecond,
    framesDecoded: video.framesDecoded ?? 0,
    framesDropped: video.framesDropped ?? 0,
    freezeCount: video.freezeCount ?? 0,
  };
}

function packetsOf(video: InboundVideoStats): Pick<Sample, "packetsReceived" | "packetsLost"> {
  return { packetsReceived: video.packetsReceived ?? 0, packetsLost: video.packetsLost ?? 0 };
}

function codecOf(statistics: AggregatedStats): string | undefined {
  const id = statistics.inboundVideoStats.codecId;
  const codec = id === undefined ? undefined : statistics.codecs.get(id);
  return codec?.mimeType.replace("video/", "");
}

/** The library says 0 or -1 until the streamer told. */
function qpOf(statistics: AggregatedStats): number | undefined {
  const qp = Number(statistics.sessionStats.videoEncoderAvgQP);
  return qp > 0 ? qp : undefined;
}

/** How the packets come: straight from the streamer or through a TURN server. */
function routeOf(
  statistics: AggregatedStats,
  pair: CandidatePairStats | undefined,
): Route | undefined {
  const local = statistics.localCandidates?.find(({ id }) => id === pair?.localCandidateId);
  return (
    local && {
      isRelayed: local.candidateType === "relay",
      protocol: (local.relayProtocol ?? local.protocol).toUpperCase(),
    }
  );
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : 1000 * seconds;
}
