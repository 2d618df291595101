"""The wheel that visits every connection."""

from signalling.contexts import new_wheel
from signalling.dialect import CIRRUS, WILBUR
from signalling.keepalive import Wheel


class Connection:
    """Remembers what the wheel asked of it."""

    def __init__(self) -> None:
        self.heard = 0
        self.probes = 0
        self.given_up = False

    def probe(self) -> None:
        """Take note of a probe."""
        self.probes += 1

    def give_up(self) -> None:
        """Take note of the end."""
        self.given_up = True


def turn(wheel: Wheel, times: int = 1) -> None:
    """Turn the wheel of ten slots all around."""
    for _ in range(10 * times):
        wheel.tick()


def test_silent_connection_is_given_up_within_three_turns() -> None:
    """One silent turn earns a probe, the second the end."""
    wheel, connection = Wheel(turn=10), Connection()
    wheel.add(connection)
    turn(wheel)
    assert connection.probes == 0
    turn(wheel)
    assert connection.probes == 1
    turn(wheel)
    assert connection.given_up


def test_patient_wheel_leaves_the_silent_alone() -> None:
    """Where silence means nothing, nobody is asked or given up."""
    wheel, connection = new_wheel(0, WILBUR), Connection()
    wheel.add(connection)
    turn(wheel, 5)
    assert (connection.probes, connection.given_up) == (0, False)


def test_patient_wheel_asks_where_all_are_asked() -> None:
    """Pages of Cirrus are pinged every time, and stay however silent."""
    wheel, connection = new_wheel(0, CIRRUS), Connection()
    wheel.add(connection)
    turn(wheel, 5)
    assert (connection.probes, connection.given_up) == (5, False)


def test_connection_that_answers_its_probe_stays() -> None:
    """Whatever is heard after a probe counts as an answer."""
    wheel, connection = Wheel(turn=10), Connection()
    wheel.add(connection)
    for _ in range(20):
        turn(wheel)
        connection.heard = connection.probes
    assert connection.probes >= 5
    assert not connection.given_up


def test_cirrus_pings_those_who_talk_too() -> None:
    """With `always_probe`, a turn without a ping is no turn."""
    wheel, connection = Wheel(turn=10, always_probe=True), Connection()
    wheel.add(connection)
    for number in range(1, 6):
        connection.heard = number
        turn(wheel)
    assert connection.probes == 5


def test_each_connection_is_visited_once_a_turn() -> None:
    """The visits of many connections are spread over the ticks."""
    wheel = Wheel(turn=10)
    connections = [Connection() for _ in range(100)]
    for connection in connections:
        wheel.add(connection)
    turn(wheel)
    wheel.tick()
    assert sum(connection.probes for connection in connections) == 10
    for _ in range(9):
        wheel.tick()
    assert {connection.probes for connection in connections} == {1}


def test_discarded_connection_is_left_alone() -> None:
    """A connection that is gone is neither probed nor remembered."""
    wheel, connection = Wheel(turn=10), Connection()
    wheel.add(connection)
    wheel.discard(connection)
    wheel.discard(connection)
    turn(wheel, times=3)
    assert connection.probes == 0
    assert len(wheel) == 0


def test_short_turns_are_ticked_at_once() -> None:
    """A turn of less than a second is one tick of that length."""
    assert Wheel(turn=0.2).seconds_per_tick == 0.2
    assert Wheel(turn=10.5).seconds_per_tick == 1.05
