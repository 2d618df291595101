"""Streamer and probe with real WebRTC media over loopback, through the real server."""

import asyncio

import pytest

from signalling.peer.probe import ProbeError, probe
from signalling.peer.streamer import run_streamers
from tests.peer.servers import Meeting, OpenMeeting, Start

pytestmark = pytest.mark.media


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_the_probe_sees_the_streamer(
    meeting: Meeting, background: Start, codec: str
) -> None:
    """Moving pictures of the set size and codec arrive, with sound and a round trip."""
    background(run_streamers(meeting.streamer(id="Kiosk", codec=codec)))
    figures = await probe(meeting.probe(streamer="Kiosk"))
    assert (figures["width"], figures["height"]) == (320, 180)
    assert figures["codec"] == codec
    assert figures["streamerId"] == "Kiosk"
    assert 5 < figures["framesPerSecond"] < 25
    assert figures["bitrateKbps"] > 50
    assert figures["frameNumber"] > 0
    assert 400 < figures["audioHz"] < 480
    assert 0 < figures["roundTripMs"] < 1000
    assert 0 < figures["timeToFirstFrameMs"] < 10_000


@pytest.mark.parametrize("streamer", ["Kiosk", ""], ids=["subscribing", "never subscribing"])
async def test_a_player_that_offers_gets_its_answer(
    meeting: Meeting, background: Start, streamer: str
) -> None:
    """As the pages of 5.6 (subscribe, then offer) and 5.4 (just offer) do, without glare."""
    background(run_streamers(meeting.streamer(id="Kiosk")))
    await meeting.listed("Kiosk")
    figures = await probe(meeting.probe(streamer=streamer, offer=True))
    assert figures["framesDecoded"] > 5
    assert figures["roundTripMs"] is not None


async def test_players_share_the_drawing(meeting: Meeting, background: Start) -> None:
    """Two players see the same frame numbers, not each its own count."""
    background(run_streamers(meeting.streamer(id="Kiosk")))
    first, second = await asyncio.gather(
        probe(meeting.probe(seconds=1.5)), probe(meeting.probe(seconds=1.5))
    )
    assert abs(first["frameNumber"] - second["frameNumber"]) < 15


async def test_several_streamers_live_in_one_process(
    meeting: Meeting, background: Start
) -> None:
    """`--count 3` identifies as NAME, NAME2 and NAME3."""
    background(run_streamers(meeting.streamer(id="Kiosk", count=3)))
    figures = await probe(meeting.probe(streamer="Kiosk3"))
    assert figures["streamerId"] == "Kiosk3"


async def test_allowed_commands_change_the_video(meeting: Meeting, background: Start) -> None:
    """t.MaxFPS and r.SetRes take effect before measuring begins; nonsense is refused."""
    background(run_streamers(meeting.streamer(allow_commands=True)))
    commands = '["t.MaxFPS 5", "r.SetRes 256x144w", "quit"]'
    figures = await probe(meeting.probe(commands=commands, seconds=1.5))
    assert figures["commandsSent"] == ["t.MaxFPS 5", "r.SetRes 256x144w", "quit"]
    assert figures["commandsRefused"] == ["quit"]
    assert (figures["width"], figures["height"]) == (256, 144)
    assert 2 < figures["framesPerSecond"] < 8


async def test_commands_are_refused_unless_allowed(meeting: Meeting, background: Start) -> None:
    """The default: nothing changes and the probe says what was refused."""
    background(run_streamers(meeting.streamer()))
    figures = await probe(meeting.probe(commands='["r.SetRes 256x144"]'))
    assert figures["commandsRefused"] == ["r.SetRes 256x144"]
    assert figures["width"] == 320


async def test_the_streamer_hears_the_microphone(meeting: Meeting, background: Start) -> None:
    """It tells the frequency of what the player sends."""
    background(run_streamers(meeting.streamer()))
    figures = await probe(meeting.probe(microphone=True, seconds=1.5))
    assert 980 < figures["microphoneHeardHz"] < 1020


async def test_the_streamer_comes_back_after_the_server(
    open_meeting: OpenMeeting, background: Start
) -> None:
    """Its players end with its socket; it reconnects and serves the next ones."""
    async with open_meeting() as first:
        port = first.streamer_port
        background(run_streamers(first.streamer(id="Kiosk")))
        await probe(first.probe(seconds=0.1))
    async with open_meeting(streamer_port=port) as second:
        figures = await probe(second.probe(streamer="Kiosk", seconds=0.1))
    assert figures["framesDecoded"] > 0


async def test_the_default_addresses_work_too(meeting: Meeting, background: Start) -> None:
    """Without forcing 127.0.0.1, whatever addresses this machine has."""
    background(run_streamers(meeting.streamer(loopback="auto")))
    figures = await probe(meeting.probe(loopback="auto", seconds=0.1))
    assert figures["framesDecoded"] > 0


async def test_no_relay_is_said_at_once(meeting: Meeting, background: Start) -> None:
    """Relay only, and the server names no TURN server: an error, not a wait."""
    background(run_streamers(meeting.streamer()))
    with pytest.raises(ProbeError, match="no relay candidate"):
        await probe(meeting.probe(relay=True))
