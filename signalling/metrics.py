"""What operators watch, as Prometheus metrics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from signalling.errors import CloseCode

CONTENT_TYPE = CONTENT_TYPE_LATEST

FIRST_PRIVATE_CODE: Final = 3000
"""Close codes below it are the protocol's, and few (RFC 6455, 7.4.2)."""

OUR_CODES: Final = frozenset(map(int, CloseCode))


@dataclass(frozen=True, slots=True)
class Population:
    """How many there are of whom, at one moment."""

    players: int
    streamers: int
    available: int
    """Streamers that can be watched."""


class Metrics:
    """
    The counters of one server.

    `forwarded` is a plain number since every message adds to it; it is read
    when somebody scrapes.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.forwarded = 0
        self._dropped = Counter(
            "signalling_messages_dropped",
            "Messages that could not be used or delivered.",
            ["role", "reason"],
            registry=self.registry,
        )
        self._closed = Counter(
            "signalling_sockets_closed",
            "Sockets closed, by role and close code.",
            ["role", "code"],
            registry=self.registry,
        )
        self._refused = Counter(
            "signalling_upgrades_refused",
            "Upgrades answered with an HTTP error.",
            ["role", "reason"],
            registry=self.registry,
        )
        self._limited = Counter(
            "signalling_limit_hits",
            "Times a limit was met, by the option that sets it.",
            ["limit"],
            registry=self.registry,
        )
        self._resumptions = Counter(
            "signalling_resumptions",
            "Players that came back to a broken connection, by outcome.",
            ["outcome"],
            registry=self.registry,
        )

        self._invitations = Counter(
            "signalling_invitations",
            "Invitations of guests, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )

    def invitation(self, outcome: str) -> None:
        """Count an invitation that was made, used, taken back or refused."""
        self._invitations.labels(outcome).inc()

    def watch_rooms(self, count: Callable[[], dict[str, int]]) -> None:
        """Read how many rooms, guests and invitations there are whenever somebody scrapes."""
        text = "Rooms of visitors, guests in them, and open invitations."
        self.registry.register(_Table("signalling_rooms", text, "what", count))

    def resumption(self, outcome: str) -> None:
        """Count a player that came back, or could not, or did not."""
        self._resumptions.labels(outcome).inc()

    def watch_away(self, count: Callable[[], float]) -> None:
        """Read the number of players that may come back whenever somebody scrapes."""
        gauge = Gauge(
            "signalling_players_away",
            "Players whose socket broke and who may come back.",
            registry=self.registry,
        )
        gauge.set_function(count)

    def limited(self, limit: str) -> None:
        """Count that somebody met the limit of this option."""
        self._limited.labels(limit).inc()

    def watch_limits(self, sizes: Callable[[], Mapping[str, int]]) -> None:
        """Read the sizes of the limits' tables whenever somebody scrapes."""
        text = "Addresses a limit remembers."
        self.registry.register(_Table("signalling_limit_addresses", text, "table", sizes))

    def watch_log(self, left_out: Callable[[], Mapping[str, int]]) -> None:
        """Read how many lines of each event were left out whenever somebody scrapes."""
        text = "Lines that log_lines_per_second kept out of the log, since the start."
        self.registry.register(_Table("signalling_log_lines_left_out", text, "event", left_out))

    def watch_seats(self, count: Callable[[], dict[str, int]]) -> None:
        """Read the sessions of this node by state whenever somebody scrapes."""
        text = "Sessions of this node's players."
        self.registry.register(_Table("signalling_sessions", text, "state", count))

    def dropped(self, role: str, reason: str) -> None:
        """Count a message that went nowhere."""
        self._dropped.labels(role, reason).inc()

    def closed(self, role: str, code: int) -> None:
        """Count a closed socket."""
        # A peer chooses its code among thousands: each would stay as a series of its own.
        is_known = code < FIRST_PRIVATE_CODE or code in OUR_CODES
        self._closed.labels(role, str(code) if is_known else "other").inc()

    def refused(self, role: str, reason: str) -> None:
        """Count a refused upgrade."""
        self._refused.labels(role, reason).inc()

    def watch(self, population: Callable[[], Population]) -> None:
        """Read *population* whenever somebody scrapes."""
        self.registry.register(_Live(self, population))

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Table(Collector):
    """A figure for each of a few names, read when somebody scrapes."""

    def __init__(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, int]]
    ) -> None:
        self._family = (name, text)
        self._label = label
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        family = GaugeMetricFamily(*self._family, labels=[self._label])
        for name, value in self._read().items():
            family.add_metric([name], value)
        yield family


class _Live(Collector):
    """Figures that are read rather than counted."""

    def __init__(self, metrics: Metrics, population: Callable[[], Population]) -> None:
        self._metrics = metrics
        self._population = population

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "signalling_messages_forwarded",
            "Messages passed from one peer to another.",
            value=self._metrics.forwarded,
        )
        now = self._population()
        yield GaugeMetricFamily("signalling_players", "Players connected.", value=now.players)
        yield GaugeMetricFamily(
            "signalling_streamers", "Streamers that have a name.", value=now.streamers
        )
        yield GaugeMetricFamily(
            "signalling_streamers_available", "Streamers to watch.", value=now.available
        )
