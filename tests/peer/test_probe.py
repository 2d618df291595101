"""How the probe ends when it sees nothing, and what its command prints."""

import asyncio
import sys
from typing import Any

import orjson
import pytest

from signalling.peer.probe import ProbeError, main, probe
from signalling.peer.settings import ProbeSettings
from tests.peer.servers import LOCAL, PATIENCE, Meeting, ScriptedServer, Start


def settings(server: ScriptedServer, **options: Any) -> ProbeSettings:
    """Return settings of a probe of *server*."""
    return ProbeSettings(**{"url": server.url, "loopback": "always", **options})


async def test_a_missing_streamer_is_named(meeting: Meeting) -> None:
    """The error says what it was still waiting for."""
    with pytest.raises(ProbeError, match=r"no video within 0.3 s.*streamer Kiosk in the list"):
        await probe(meeting.probe(streamer="Kiosk", timeout=0.3))


async def test_a_refused_subscription_is_said(
    scripted: ScriptedServer, background: Start
) -> None:
    """With the server's words."""
    running = background(probe(settings(scripted, streamer="Kiosk")))
    socket = await scripted.accept()
    await socket.send("config", peerConnectionOptions={})
    await socket.expect("listStreamers")
    await socket.send("streamerList", ids=["Other", "Kiosk"])
    assert (await socket.expect("subscribe"))["streamerId"] == "Kiosk"
    await socket.send("subscribeFailed", message="it is full")
    with pytest.raises(ProbeError, match="it is full"):
        await asyncio.wait_for(running, PATIENCE)


async def test_an_unusable_offer_is_said(scripted: ScriptedServer, background: Start) -> None:
    """Not as a traceback."""
    running = background(probe(settings(scripted)))
    socket = await scripted.accept()
    await socket.send("config")
    await socket.send("offer", sdp="v=0\r\nm=video what\r\n")
    with pytest.raises(ProbeError, match="cannot use the offer"):
        await asyncio.wait_for(running, PATIENCE)


async def test_a_server_that_closes_is_said(
    scripted: ScriptedServer, background: Start
) -> None:
    """With the close code."""
    running = background(probe(settings(scripted)))
    socket = await scripted.accept()
    await socket.socket.close(code=1013)
    with pytest.raises(ProbeError, match="1013"):
        await asyncio.wait_for(running, PATIENCE)


async def test_it_answers_pings_and_passes_over_the_unknown(
    scripted: ScriptedServer, background: Start
) -> None:
    """Cirrus sends playerCount and pings with a time."""
    background(probe(settings(scripted)))
    socket = await scripted.accept()
    await socket.send("playerCount", count=1)
    await socket.settled()


async def test_offering_says_so_in_the_query(
    scripted: ScriptedServer, background: Start
) -> None:
    """As Epic's 5.4 page does; the offer comes without a subscription."""
    background(probe(settings(scripted, offer=True)))
    socket = await scripted.accept()
    assert socket.query == {"OfferToReceive": "true"}
    await socket.send("config", peerConnectionOptions={})
    offer = await socket.expect("offer")
    assert "m=video" in offer["sdp"]


def test_without_a_server_there_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard output stays empty, and the token out of the error."""
    code = main(["--url", f"ws://{LOCAL}:1/?token=secret"])
    printed = capsys.readouterr()
    assert code == 1
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "secret" not in printed.err


@pytest.mark.media
async def test_the_command_prints_one_json_line(meeting: Meeting) -> None:
    """Both commands as processes: the figures of the contract, and a clean end."""
    streamer = await _process("streamer", **meeting.streamer(id="Kiosk").model_dump())
    player = await _process("probe", **meeting.probe(streamer="Kiosk").model_dump())
    out, err = await asyncio.wait_for(player.communicate(), 60)
    assert player.returncode == 0, err
    assert out.count(b"\n") == 1
    assert orjson.loads(out).keys() >= {
        "timeToFirstFrameMs", "framesPerSecond", "bitrateKbps", "jitterMs",
        "roundTripMs", "width", "height", "codec",
    }  # fmt: skip
    streamer.terminate()
    log, _ = await asyncio.wait_for(streamer.communicate(), PATIENCE)
    assert streamer.returncode == 0
    assert b"Traceback" not in log


async def _process(command: str, **options: Any) -> asyncio.subprocess.Process:
    environment = {f"SIGNALLING_{name.upper()}": str(value) for name, value in options.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling", command,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
