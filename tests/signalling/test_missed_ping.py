"""When a connection counts as one that has missed a ping."""

from signalling.keepalive import Wheel


class Silent:
    """A connection that hears nothing unless told."""

    def __init__(self) -> None:
        self.heard = 0
        self.probes = 0

    def probe(self) -> None:
        """Count the pings."""
        self.probes += 1

    def give_up(self) -> None:
        """Nothing: these tests end before."""


def test_silence_needs_a_probe_and_time() -> None:
    """A connection has missed a ping only some seconds after the ping."""
    wheel, connection = Wheel(turn=25), Silent()
    wheel.add(connection)
    assert not wheel.is_silent(connection)
    while not connection.probes:
        wheel.tick()
    assert not wheel.is_silent(connection)
    for _ in range(5):
        wheel.tick()
    assert wheel.is_silent(connection)


def test_any_sign_of_life_ends_silence() -> None:
    """What was heard since the ping counts at once, before the next visit."""
    wheel, connection = Wheel(turn=25), Silent()
    wheel.add(connection)
    while not wheel.is_silent(connection):
        wheel.tick()
    connection.heard += 1
    assert not wheel.is_silent(connection)


def test_strangers_are_not_silent() -> None:
    """The wheel says nothing of a connection that it does not visit."""
    assert not Wheel(turn=25).is_silent(Silent())
