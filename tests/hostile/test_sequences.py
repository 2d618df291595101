"""Messages and sequences that nobody thought of, for every role."""

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalling import inline
from tests.hostile.arena import ROLES, Arena, arena, frame, upgrade
from tests.hostile.corpus import KNOWN

EXAMPLES = 60

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(sorted({name for role in KNOWN.values() for name in role})) | text
ids = st.sampled_from(["Kiosk", "Relay", "Relay1", "x", ""])


@st.composite
def known_messages(draw: st.DrawFn, role: str) -> dict[str, Any]:
    """Draw a message of the role with some fields another, some missing, some added."""
    wire_name = draw(st.sampled_from(sorted(KNOWN[role])))
    fields = dict(KNOWN[role][wire_name])
    for name in draw(
        st.lists(st.sampled_from([*fields, "playerId", "streamerId"]), max_size=2)
    ):
        fields[name] = draw(values | ids)
    for name in draw(st.lists(st.sampled_from(list(fields) or ["x"]), max_size=1)):
        fields.pop(name, None)
    return {"type": wire_name, **fields}


def frames(role: str) -> st.SearchStrategy[bytes]:
    """Return frames of messages: mostly the role's own, some odd, some no messages at all."""
    odd = st.builds(
        lambda name, more: {**more, "type": name}, names, st.dictionaries(text, values)
    )
    good = st.sampled_from(sorted(KNOWN[role])).map(
        lambda name: {"type": name, **KNOWN[role][name]}
    )
    json = (good | good | known_messages(role) | odd).map(orjson.dumps)
    payloads = json | json | json | st.binary(max_size=200)
    return st.builds(
        lambda body, first: frame(body, first=first),
        payloads,
        st.sampled_from([0x81] * 6 + [0x82, 0x89, 0x8A]),
    )


def conversations(role: str) -> st.SearchStrategy[bytes]:
    """Return what one peer says from upgrade to end, sometimes cut short."""
    bodies = st.lists(frames(role), max_size=15).map(b"".join)
    whole = st.builds(
        lambda path, body: upgrade(path) + body,
        st.sampled_from([b"/", b"/?resume=1", b"/?OfferToReceive=true"]),
        bodies,
    )
    return whole | st.builds(lambda data, size: data[:size], whole, st.integers(0, 600))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", ["inline", "queued"])
@pytest.mark.parametrize("dialect", ["wilbur", "cirrus"])
def test_sequences(monkeypatch: pytest.MonkeyPatch, kind: str, role: str, dialect: str) -> None:
    """After any conversations at once, ended or reset, the canary sings and nothing is left."""
    if kind == "queued":
        monkeypatch.setattr(inline, "supported", lambda: False)
    with asyncio.Runner() as runner:
        stack = arena(dialect=dialect)
        server = runner.run(stack.__aenter__())

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.tuples(conversations(role), st.booleans()), min_size=1, max_size=3))
        def play(attacks: list[tuple[bytes, bool]]) -> None:
            runner.run(play_all(server, role, attacks))

        play()
        runner.run(server.is_clean())
        runner.run(stack.__aexit__(None, None, None))


async def play_all(server: Arena, role: str, attacks: list[tuple[bytes, bool]]) -> None:
    """Let strangers come at once, each with what it says and whether it resets in the end."""
    await asyncio.gather(
        *(
            server.attack_and_reset(role, data)
            if resets and len(data) > 300
            else server.attack(role, data)
            for data, resets in attacks
        )
    )
    await server.canary.sings()
