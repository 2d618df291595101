"""The signalling socket's small print."""

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from signalling.peer.link import open_link, parse_message, reason_of, shown
from tests.peer.servers import LOCAL, Meeting


@given(data=st.one_of(st.binary(), st.text()))
def test_any_frame_is_a_message_or_nothing(data: bytes | str) -> None:
    """What is parsed always has a type."""
    message = parse_message(data)
    assert message is None or isinstance(message["type"], str)


def test_logs_show_no_token() -> None:
    """Neither in the query nor as the user."""
    assert shown(URL("wss://user:pw@host:1/path?token=secret")) == "wss://host:1/path"


async def test_a_refused_upgrade_names_its_status(meeting: Meeting) -> None:
    """And not the URL."""
    meeting.server.health.readiness = type(meeting.server.health.readiness).DRAINING
    url = URL(f"ws://{LOCAL}:{meeting.player_port}/?token=secret")
    with pytest.raises(aiohttp.ClientError) as caught:
        async with open_link(url):
            pass
    assert reason_of(caught.value) == "the server refused with HTTP 503"


async def test_nobody_listening_is_one_line() -> None:
    """Host, port and the system's words."""
    with pytest.raises(aiohttp.ClientError) as caught:
        async with open_link(URL(f"ws://{LOCAL}:1/?token=secret")):
            pass
    reason = reason_of(caught.value)
    assert reason.startswith("127.0.0.1:1: ")
    assert "secret" not in reason
