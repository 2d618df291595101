"""What aiortc needs said: ICE servers, candidates, codecs, bitrates."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

import structlog
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
)
from aiortc.codecs import h264, vpx
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.sdp import SessionDescription, candidate_from_sdp

DEFAULT_MAX_FPS = h264.MAX_FRAME_RATE
"""Pictures a second aiortc encodes H.264 for unless `encoder_limits` says more."""

MAX_ICE_SERVERS = 16
"""Entries of the server's list that are read."""

CLOSE_SECONDS = 5.0
"""A connection that cannot say goodbye in this time is left to the garbage collector."""

UNUSABLE = (
    AssertionError,
    AttributeError,
    IndexError,
    InvalidAccessError,
    InvalidStateError,
    KeyError,
    OperationError,
    TypeError,
    ValueError,
)
"""What aiortc raises on descriptions and candidates it cannot use."""

log = structlog.get_logger()


class Codec(StrEnum):
    """Video codecs aiortc can encode."""

    VP8 = "VP8"
    H264 = "H264"
    ANY = "any"
    """The player chooses."""


def configuration(peer_options: Any, *, relay: bool = False) -> RTCConfiguration:
    """
    Return the configuration for the `peerConnectionOptions` of a `config` message.

    Entries that aiortc cannot use are left out and logged. *relay*, or
    `iceTransportPolicy: "relay"` in the options, leaves only relayed candidates.
    """
    options = peer_options if isinstance(peer_options, Mapping) else {}
    relay = relay or options.get("iceTransportPolicy") == "relay"
    policy = RTCIceTransportPolicy.RELAY if relay else RTCIceTransportPolicy.ALL
    return RTCConfiguration(
        # An empty list: with None aiortc asks a public STUN server.
        iceServers=ice_servers(options.get("iceServers")),
        iceTransportPolicy=policy,
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
    )


def ice_servers(entries: Any) -> list[RTCIceServer]:
    """Return the usable servers of *entries*, in their order."""
    if not isinstance(entries, list):
        return []
    found = (_ice_server(entry) for entry in entries[:MAX_ICE_SERVERS])
    return [server for server in found if server is not None]


def _ice_server(entry: Any) -> RTCIceServer | None:
    urls = entry.get("urls") if isinstance(entry, Mapping) else None
    listed = [urls] if isinstance(urls, str) else urls
    if not isinstance(listed, list):
        return None
    usable = [url for url in listed if _is_ice_url(url)]
    if len(usable) < len(listed):
        log.warning("ice_url_unusable", usable=usable)
    if not usable:
        return None
    return RTCIceServer(
        urls=usable, username=entry.get("username"), credential=entry.get("credential")
    )


def _is_ice_url(url: Any) -> bool:
    try:
        return isinstance(url, str) and bool(parse_stun_turn_uri(url))
    except ValueError:
        return False


def ice_candidate(fields: Any) -> RTCIceCandidate | None:
    """
    Return the candidate of an `iceCandidate` message.

    None for one that is of no use here: the end of candidates, TCP, a
    `.local` name (resolving one by mDNS takes a second, and the peer that hides
    its address still finds ours), or something malformed.
    """
    text = fields.get("candidate") if isinstance(fields, Mapping) else None
    if not isinstance(text, str) or not text:
        return None
    try:
        candidate = candidate_from_sdp(text.removeprefix("candidate:"))
    except (AssertionError, IndexError, ValueError):
        log.debug("ice_candidate_malformed")
        return None
    candidate.sdpMid = fields.get("sdpMid")
    candidate.sdpMLineIndex = fields.get("sdpMLineIndex")
    return candidate if _is_usable(candidate) else None


def _is_usable(candidate: RTCIceCandidate) -> bool:
    placed = candidate.sdpMid is not None or candidate.sdpMLineIndex is not None
    return (
        placed and candidate.protocol.lower() == "udp" and not candidate.ip.endswith(".local")
    )


def prefer_codec(connection: RTCPeerConnection, codec: Codec) -> None:
    """Let *connection* negotiate only *codec* for its video; `any` leaves the choice."""
    if codec is Codec.ANY:
        return
    capabilities = RTCRtpSender.getCapabilities("video").codecs
    names = {f"video/{codec.value}".lower(), "video/rtx"}
    chosen = [one for one in capabilities if one.mimeType.lower() in names]
    for transceiver in connection.getTransceivers():
        if transceiver.kind == "video":
            transceiver.setCodecPreferences(chosen)


def video_codec(sdp: str) -> str:
    """Return the name of the first video codec in *sdp*, or an empty string."""
    for media in SessionDescription.parse(sdp).media:
        if media.kind == "video" and media.rtp.codecs:
            return str(media.rtp.codecs[0].name)
    return ""


def media_kinds(sdp: str) -> set[str]:
    """Return the kinds of media in *sdp*: audio, video, application."""
    return {media.kind for media in SessionDescription.parse(sdp).media}


async def close(connection: RTCPeerConnection) -> None:
    """Close *connection*, within `CLOSE_SECONDS`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()


def request_key_frame(connection: RTCPeerConnection) -> None:
    """Make the next picture a key frame."""
    for sender in connection.getSenders():
        if sender.kind == "video":
            # What aiortc itself calls on a picture loss indication.
            sender._send_keyframe()  # noqa: SLF001


@contextmanager
def encoder_limits(*, bitrate: int, fps: int) -> Iterator[None]:
    """
    Let encoders made within the block start at *bitrate* and never exceed it.

    aiortc keeps these as module constants, so they hold for the process.
    """
    wanted = {"DEFAULT_BITRATE": bitrate, "MAX_BITRATE": bitrate}
    frame_rate = {"MAX_FRAME_RATE": max(h264.MAX_FRAME_RATE, fps)}
    patches = [(vpx, wanted), (h264, wanted | frame_rate)]
    before = [
        (module, {name: getattr(module, name) for name in new}) for module, new in patches
    ]
    _set_constants(patches)
    try:
        yield
    finally:
        _set_constants(before)


def _set_constants(modules: list[tuple[Any, dict[str, int]]]) -> None:
    for module, values in modules:
        for name, value in values.items():
            setattr(module, name, value)
