"""The streamer's side of signalling, against a server that a test plays by hand."""

import asyncio
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from structlog.testing import capture_logs

from signalling.peer import rtc
from signalling.peer.loopback import Loopback, loopback_candidates
from signalling.peer.settings import StreamerSettings
from signalling.peer.streamer import Streamer, run_streamers
from tests.peer.servers import PATIENCE, Scripted, ScriptedServer, Start


def settings(server: ScriptedServer, **options: Any) -> StreamerSettings:
    """Return settings of a small streamer of *server*."""
    small = {"url": server.url, "size": "128x72", "fps": 5, "loopback": "always"}
    return StreamerSettings(**{"id": "Kiosk", **small, **options})


async def identified(server: ScriptedServer) -> Scripted:
    """Return the socket of a streamer that has said its id."""
    socket = await server.accept()
    await socket.send("config", peerConnectionOptions={"iceServers": []})
    await socket.send("identify")
    assert (await socket.expect("endpointId"))["id"] == "Kiosk"
    return socket


async def player_offer() -> tuple[RTCPeerConnection, str]:
    """Return a player that offers as Epic's page does, and its offer."""
    connection = RTCPeerConnection(rtc.configuration({}))
    connection.addTransceiver("video", direction="recvonly")
    connection.createDataChannel("cirrus")
    with loopback_candidates(Loopback.ALWAYS):
        await connection.setLocalDescription(await connection.createOffer())
    return connection, connection.localDescription.sdp


async def test_it_identifies_before_or_after_config(
    scripted: ScriptedServer, background: Start
) -> None:
    """Wilbur sends identify first, Cirrus config first."""
    background(run_streamers(settings(scripted)))
    socket = await scripted.accept()
    await socket.send("identify")
    assert (await socket.expect("endpointId"))["id"] == "Kiosk"
    await socket.send("config", peerConnectionOptions={})
    await socket.settled()


async def test_what_it_says_of_itself_stands_in_the_query(
    scripted: ScriptedServer, background: Start
) -> None:
    """Capabilities are added to the URL; what the URL says already wins."""
    url = f"{scripted.url}/?token=secret&region=eu"
    options = settings(scripted, url=url, region="us", application="showroom", host="gpu-1")
    background(run_streamers(options))
    socket = await scripted.accept()
    assert socket.query == {
        "token": "secret",
        "region": "eu",
        "application": "showroom",
        "host": "gpu-1",
    }


@pytest.mark.parametrize("player_id", ["Player0", 7], ids=["string", "number"])
async def test_it_offers_to_a_player_by_the_id_it_was_given(
    scripted: ScriptedServer, background: Start, player_id: str | int
) -> None:
    """Cirrus compares ids with what it sent: a number stays a number."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    await socket.send("playerConnected", playerId=player_id, dataChannel=True, sfu=False)
    offer = await socket.expect("offer")
    assert offer["playerId"] == player_id
    assert rtc.media_kinds(offer["sdp"]) == {"audio", "video", "application"}


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_it_offers_only_the_codec_it_was_set_to(
    scripted: ScriptedServer, background: Start, codec: str
) -> None:
    """The other one is not in the SDP."""
    background(run_streamers(settings(scripted, codec=codec)))
    socket = await identified(scripted)
    await socket.send("playerConnected", playerId="1")
    sdp = (await socket.expect("offer"))["sdp"]
    assert [name for name in ("VP8/", "H264/") if name in sdp] == [f"{codec}/"]


async def test_it_holds_its_offer_back_when_told(
    scripted: ScriptedServer, background: Start
) -> None:
    """With sendOffer false the player's offer is answered and none is made."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    connection, offer = await player_offer()
    await socket.send("playerConnected", playerId="1", sendOffer=False)
    await socket.settled()
    await socket.send("offer", playerId="1", sdp=offer)
    answer = await socket.expect("answer")
    assert rtc.video_codec(answer["sdp"]) in {"VP8", "H264"}
    await connection.close()


async def test_a_player_that_offers_first_gets_no_offer(
    scripted: ScriptedServer, background: Start
) -> None:
    """Both messages in one go: only the answer comes."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    connection, offer = await player_offer()
    await socket.send("playerConnected", playerId="1")
    await socket.send("offer", playerId="1", sdp=offer)
    await socket.expect("answer")
    await connection.close()


async def test_a_late_offer_takes_the_place_of_its_own(
    scripted: ScriptedServer, background: Start
) -> None:
    """Glare after the fact: the media of the player's offer is connected."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    connection, offer = await player_offer()
    await socket.send("playerConnected", playerId="1")
    await socket.expect("offer")
    await socket.send("offer", playerId="1", sdp=offer)
    answer = await socket.expect("answer")
    connected = asyncio.Event()
    connection.on("connectionstatechange", lambda: _note(connection, connected))
    await connection.setRemoteDescription(
        RTCSessionDescription(sdp=answer["sdp"], type="answer")
    )
    await asyncio.wait_for(connected.wait(), PATIENCE)
    await connection.close()


def _note(connection: RTCPeerConnection, connected: asyncio.Event) -> None:
    if connection.connectionState == "connected":
        connected.set()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "answer", "sdp": "nonsense"},
        {"type": "answer"},
        {"type": "answer", "sdp": 7},
        {"type": "offer", "sdp": "v=0"},
        {"type": "offer", "sdp": None},
        {"type": "iceCandidate", "candidate": {"candidate": "candidate:x", "sdpMid": "0"}},
        {"type": "iceCandidate"},
    ],
)
async def test_unusable_negotiation_harms_nobody(
    scripted: ScriptedServer, background: Start, message: dict[str, Any]
) -> None:
    """The streamer goes on, and so does the player with its next description."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    await socket.send("playerConnected", playerId="1", sendOffer=False)
    await socket.send(**_renamed(message), playerId="1")
    connection, offer = await player_offer()
    await socket.send("offer", playerId="1", sdp=offer)
    await socket.expect("answer")
    await connection.close()


def _renamed(message: dict[str, Any]) -> dict[str, Any]:
    return {"kind": message["type"], **{k: v for k, v in message.items() if k != "type"}}


@pytest.mark.parametrize(
    "raw",
    ["", "null", "7", "[]", '"text"', "{}", '{"type":7}', '{"type":"nonsense"}', "{not json"],
)
async def test_unusable_messages_are_passed_over(
    scripted: ScriptedServer, background: Start, raw: str
) -> None:
    """The socket stays open and the next message is handled."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    await socket.socket.send_str(raw)
    await socket.settled()


@pytest.mark.parametrize("player_id", [None, [], {}])
async def test_a_player_without_a_usable_id_is_passed_over(
    scripted: ScriptedServer, background: Start, player_id: Any
) -> None:
    """No offer goes out and the streamer goes on."""
    background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    await socket.send("playerConnected", playerId=player_id)
    await socket.send("answer", playerId="unheard of", sdp="")
    await socket.send("playerDisconnected", playerId="unheard of")
    await socket.settled()


async def test_binary_frames_are_read_too(scripted: ScriptedServer, background: Start) -> None:
    """JSON in a binary frame is JSON."""
    background(run_streamers(settings(scripted)))
    socket = await scripted.accept()
    await socket.socket.send_bytes(b'{"type":"identify"}')
    await socket.expect("endpointId")


async def test_a_player_that_never_connects_is_dropped(
    scripted: ScriptedServer, background: Start
) -> None:
    """Impossible ICE would stay connecting for over a minute; the timer ends it."""
    background(run_streamers(settings(scripted, connect_timeout=0.2)))
    socket = await identified(scripted)
    await socket.send("playerConnected", playerId="1", sendOffer=False)
    dropped = await socket.expect("disconnectPlayer")
    assert (dropped["playerId"], dropped["reason"]) == ("1", "no media connection")


async def test_it_reconnects_and_identifies_again(
    scripted: ScriptedServer, background: Start
) -> None:
    """Players of the old socket are unknown on the new one."""
    background(run_streamers(settings(scripted)))
    first = await identified(scripted)
    await first.send("playerConnected", playerId="1")
    await first.expect("offer")
    await first.socket.close()
    second = await identified(scripted)
    await second.send("answer", playerId="1", sdp="")
    await second.settled()


async def test_cancelling_says_goodbye(scripted: ScriptedServer, background: Start) -> None:
    """The socket is closed by a close frame, not by the process's end."""
    running = background(run_streamers(settings(scripted)))
    socket = await identified(scripted)
    running.cancel()
    async with asyncio.timeout(PATIENCE):
        await socket.socket.receive()
    assert socket.socket.close_code == 1000


async def test_the_same_trouble_is_a_warning_once(background: Start) -> None:
    """A server that is down for a night does not fill the log."""
    with capture_logs() as logs:
        streamer = Streamer(
            StreamerSettings(url="ws://127.0.0.1:1", size="128x72"), streamer_id="Kiosk"
        )
        for _ in range(3):
            await background(streamer._connect_once())
    levels = [log["log_level"] for log in logs if log["event"] == "streamer_cannot_connect"]
    # Whether the repeats are kept depends on the level that is set.
    assert levels[0] == "warning"
    assert set(levels[1:]) <= {"debug"}
