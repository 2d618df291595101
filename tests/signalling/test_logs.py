"""Where logs go, and the log of messages."""

import io
import json
import threading
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from structlog.testing import capture_logs

from signalling import logs
from signalling.disclosure import redacted
from signalling.errors import OptionError
from signalling.log_rate import LineRate
from tests.signalling.peers import Start, eventually


@pytest.fixture(autouse=True)
def _reset() -> object:
    """Leave structlog as the other tests know it."""
    yield
    structlog.reset_defaults()


class TestOutputs:
    """Console and files."""

    def test_each_has_its_level(self, tmp_path: Path) -> None:
        """A file may be told more than the console, and the other way round."""
        stream = io.StringIO()
        output = logs.configure(
            "warning", stream=stream, folder=tmp_path / "logs", file_level="debug"
        )
        log = structlog.get_logger()
        log.debug("small", number=1)
        log.warning("large")
        output.close()
        (file,) = (tmp_path / "logs").iterdir()
        written = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line["event"] for line in written] == ["small", "large"]
        assert written[0]["number"] == 1
        assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
            "large"
        ]

    def test_terminal_is_told_no_sequences(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a stranger calls itself moves no cursor and turns no text around."""
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: True)
        output = logs.configure("info", stream=stream)
        structlog.get_logger().info("named", streamer="\x1b]0;owned\x07", peer="\u202egnp")
        output.close()
        assert "\x1b]0;" not in stream.getvalue()
        assert "\u202e" not in stream.getvalue()
        assert "owned" in stream.getvalue()

    async def test_sleeps_while_there_is_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server in which nothing happens is not woken for its log."""
        waits: list[float | None] = []

        class Watched(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                waits.append(timeout)
                return super().wait(timeout)

        monkeypatch.setattr(logs, "Event", Watched)
        stream = io.StringIO()
        output = logs.BatchedOutput(stream)
        await eventually(lambda: bool(waits))
        assert waits == [None]
        output.write("a line")
        await eventually(lambda: stream.getvalue() == "a line\n")
        await eventually(lambda: waits[-1] is None)
        assert waits == [None, logs.FLUSH_SECONDS, None]
        output.close()

    def test_traceback_is_in_the_line(self) -> None:
        """An error is one line, traceback included."""
        stream = io.StringIO()
        output = logs.configure("info", stream=stream)
        structlog.get_logger().error("broken", exc_info=ValueError("why"))
        output.close()
        assert "ValueError: why" in json.loads(stream.getvalue())["exception"]

    def test_a_file_a_day(self, tmp_path: Path) -> None:
        """At midnight a new file begins; those of two weeks ago go."""
        day = 1
        file = logs.DailyFile(tmp_path, today=lambda: date(2026, 1, day))
        for day in range(1, 20):
            file.write(f"{day}\n")
        file.close()
        names = sorted(each.name for each in tmp_path.iterdir())
        assert names[0] == "server-2026-01-06.log"
        assert names[-1] == "server-2026-01-19.log"
        assert len(names) == logs.KEPT_FILES

    def test_folder_cannot_be_made(self, tmp_path: Path) -> None:
        """A folder that cannot be had is one line."""
        (tmp_path / "file").write_text("")
        with pytest.raises(OptionError, match=r"^log_folder: "):
            logs.DailyFile(tmp_path / "file" / "logs")


class TestRate:
    """What strangers do fills no disk."""

    def test_lines_of_one_event(self) -> None:
        """Of one event the burst is written, then so many a second; others are untouched."""
        clock = iter([0.0] * 6 + [1.0, 1.0])
        rate = LineRate(1, 3, now=lambda: next(clock))
        assert [rate.take("upgrade_refused") for _ in range(5)] == [0, 0, 0, None, None]
        assert rate.take("listening") == 0
        assert rate.take("upgrade_refused") == 2
        assert rate.take("upgrade_refused") is None
        assert rate.left_out() == {"upgrade_refused": 3}

    def test_record_of_operators_is_whole(self) -> None:
        """Each action of an operator is a line."""
        rate = LineRate(1, 1, now=lambda: 0.0)
        assert [rate.take("admin_action") for _ in range(9)] == [0] * 9

    def test_line_says_how_many_are_missing(self) -> None:
        """The next line that is written counts those that were not."""
        stream = io.StringIO()
        clock = iter([0.0, 0.0, 0.0, 9.0])
        rate = LineRate(1, 1, now=lambda: next(clock))
        output = logs.configure("info", stream=stream, rate=rate, for_good=False)
        for number in range(4):
            structlog.get_logger().info("player_away", number=number)
        output.close()
        lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
        assert [(line["number"], line.get("left_out")) for line in lines] == [(0, None), (3, 2)]


class TestMessages:
    """`console_messages`."""

    async def test_basic(self, start: Start) -> None:
        """Who said what to whom, without what it says."""
        with capture_logs() as entries:
            client = await start(console_messages="basic")
            _, player, _ = await client.pair()
            await player.say("answer", sdp="v=0")
            await eventually(
                lambda: (
                    [
                        (each["event"], each["type"])
                        for each in entries
                        if each.get("role") == "streamer" and each.get("type") == "answer"
                    ]
                    == [("message_sent", "answer")]
                )
            )
        assert not any("message" in each for each in entries)
        peers = {each["peer"] for each in entries if each["event"] == "message_sent"}
        assert "Kiosk" in peers

    @pytest.mark.parametrize("detail", ["verbose", "formatted"])
    async def test_all_of_it(self, start: Start, detail: str) -> None:
        """What it says is there, but no credential."""
        turn = {"urls": ["turn:127.0.0.1"]}
        with capture_logs() as entries:
            client = await start(
                console_messages=detail,
                turn_secret="unsaid",
                peer_options={"iceServers": [turn]},
            )
            await client.player()
        config = next(each for each in entries if each.get("type") == "config")
        assert "turn:127.0.0.1" in str(config["message"])
        assert "credential" in str(config["message"])
        credential = client.server._players.ice("x")["iceServers"][0]["credential"]
        assert credential not in str(entries)
        assert "(hidden)" in str(config["message"])

    @pytest.mark.parametrize("detail", ["verbose", "formatted"])
    async def test_deep_messages(self, start: Start, detail: str) -> None:
        """What is nested too deeply for a line is logged in part; nobody is closed for it."""
        deep: list[Any] = []
        for _ in range(200):
            deep = [deep]
        with capture_logs() as entries:
            client = await start(console_messages=detail)
            _, player, _ = await client.pair()
            await player.say("answer", sdp="v=0", deep=deep)
            await player.socket.send_str('{"type":"stats","x":' + "[" * 900 + "]" * 900 + "}")
            await player.say("ping", time=1)
            assert (await player.hear())["type"] == "pong"
        assert "(nested too deeply)" in str(entries)
        assert [each for each in entries if each["log_level"] == "error"] == []

    async def test_signed_users_are_hidden(self, start: Start) -> None:
        """Whoever reads the log cannot be the visitor that a message names."""
        with capture_logs() as entries:
            client = await start(console_messages="verbose")
            player = await client.player()
            signed = client.server.users.signed("anon:1")
            await player.say("roomOpen", user=signed)
            await player.hear_type("error")
        assert "roomOpen" in str(entries)
        assert signed not in str(entries)


def test_redacted() -> None:
    """Secrets are known by their names, at any depth; names of files are none."""
    value = {
        "token": "x",
        "list": [{"credential": "x", "username": "kept"}],
        "turn_secret_file": "kept",
        "ssl_key_path": "kept",
        "redis_url": "redis://user:x@host:1/0",
        "openai_api_key": "x",
        "empty_secret": "",
    }
    shown = redacted(value)
    assert "'x'" not in str(shown)
    assert shown["redis_url"] == "redis://host:1/0"
    assert shown["ssl_key_path"] == shown["turn_secret_file"] == "kept"
    assert shown["empty_secret"] == ""
