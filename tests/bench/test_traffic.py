"""What is sent."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bench import traffic

fragments = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=12)


@given(fragments)
def test_an_answer_tells_whose_it_is(fragment: str) -> None:
    """A player's ICE user fragment is found again in the answer it sends."""
    message = orjson.loads(traffic.answer(fragment))
    assert message["type"] == "answer"
    assert traffic.fragment_of(message["sdp"]) == fragment


@given(st.integers(0, 10**9), fragments)
def test_a_candidate_tells_its_number_and_whose_it_is(number: int, fragment: str) -> None:
    """Foundation and user fragment are found again in a candidate."""
    candidate = orjson.loads(traffic.candidate(number, fragment))["candidate"]
    assert traffic.number_of(candidate["candidate"]) == number
    assert candidate["usernameFragment"] == fragment


@given(st.one_of(st.integers(-(2**53), 2**53), st.text()), st.integers(0, 1000))
def test_a_player_id_goes_back_as_it_came(player_id: object, number: int) -> None:
    """A streamer returns the server's player id unchanged, text or number."""
    for raw in (traffic.offer(player_id), traffic.candidate_for(player_id, number, "abcd")):
        assert orjson.loads(raw)["playerId"] == player_id


def test_descriptions_are_as_long_as_real_ones() -> None:
    """An offer is some kilobytes, an answer a little less."""
    assert 2500 < len(traffic.answer("abcd")) < len(traffic.offer("1")) < 6000
