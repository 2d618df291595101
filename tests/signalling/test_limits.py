"""What one address and all together may ask for, over real sockets; and the tables alone."""

import asyncio
import re
from http import HTTPStatus
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.access.address import is_within, limit_key
from signalling.access.attempts import Buckets, Occupancy
from signalling.options.auth import networks
from tests.signalling.peers import Client, Start, eventually
from tests.signalling.tokens import PROXIED, refusal

TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


async def hits(client: Client, limit: str) -> int:
    """Return how often the metrics say that a limit was met."""
    async with client.http.get(client.running.http("/metrics")) as response:
        text = await response.text()
    found = re.search(rf'signalling_limit_hits_total{{limit="{limit}"}} (\d+)', text)
    return int(found[1]) if found else 0


class TestBuckets:
    """Token buckets by key."""

    def test_burst_then_rate(self) -> None:
        """A key may take its burst at once, and after that one each 1/rate seconds."""
        clock = Clock()
        buckets: Buckets[str] = Buckets(per_second=2, burst=3, now=clock)
        assert [buckets.take("a") for _ in range(4)] == [True, True, True, False]
        clock.now = 0.5
        assert [buckets.take("a") for _ in range(2)] == [True, False]

    def test_keys_are_apart(self) -> None:
        """What one key took, another still has."""
        buckets: Buckets[str] = Buckets(per_second=1, burst=1, now=Clock())
        assert buckets.take("a")
        assert buckets.take("b")
        assert buckets.is_empty("a")

    def test_zero_is_no_limit(self) -> None:
        """Without a rate nothing is refused and nothing remembered."""
        buckets: Buckets[str] = Buckets(per_second=0, burst=1, now=Clock())
        assert all(buckets.take("a") for _ in range(100))
        assert len(buckets) == 0

    def test_asking_remembers_nobody(self) -> None:
        """Looking at a key that did nothing yet takes no memory."""
        buckets: Buckets[str] = Buckets(per_second=1, burst=1, now=Clock())
        assert not buckets.is_empty("a")
        assert len(buckets) == 0

    @given(st.lists(st.integers(0, 50)), st.integers(1, 20))
    def test_memory_is_bounded(self, keys: list[int], most: int) -> None:
        """However many keys come, no more than so many are remembered: the latest."""
        buckets: Buckets[int] = Buckets(per_second=1, burst=1, now=Clock(), max_buckets=most)
        for key in keys:
            buckets.take(key)
        assert len(buckets) == min(most, len(set(keys)))

    @given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
    def test_occupancy_forgets_who_left(self, steps: list[tuple[int, bool]]) -> None:
        """Counts are those of a plain list, and who has nothing is not remembered."""
        occupancy: Occupancy[int] = Occupancy()
        here: list[int] = []
        for key, enters in steps:
            if enters:
                occupancy.enter(key)
                here.append(key)
            elif key in here:
                occupancy.leave(key)
                here.remove(key)
        assert occupancy.total == len(here)
        assert len(occupancy) == len(set(here))
        assert all(occupancy.of(key) == here.count(key) for key in range(4))


class TestAddresses:
    """What addresses are counted under."""

    @pytest.mark.parametrize(
        ("address", "key"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "20010db800010002::/64"),
            ("2001:db8:1:2::1", "20010db800010002::/64"),
            ("nonsense" * 20, ("nonsense" * 20)[:64]),
        ],
    )
    def test_key(self, address: str, key: str) -> None:
        """IPv4 by address, IPv6 by /64, IPv4 in IPv6's clothes as IPv4."""
        assert limit_key(address) == key

    @given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
    def test_a_site_has_one_key(self, address: IPv6Address, host: int) -> None:
        """All addresses of a /64 share a key; the mapped ones of IPv4 aside."""
        site = int(address) >> 64 << 64
        if site:
            other = type(address)(site | host)
            assert limit_key(str(other)) == limit_key(str(type(address)(site)))

    def test_networks(self) -> None:
        """An address is within a network or not; what is no address is in none."""
        allowed = networks(("10.0.0.0/8", "::1"))
        assert is_within("10.1.2.3", allowed)
        assert is_within("::ffff:10.1.2.3", allowed)
        assert not is_within("11.0.0.1", allowed)
        assert not is_within("", allowed)


class TestDoor:
    """Upgrades over real sockets. A proxied peer stands for one of another machine."""

    async def test_upgrades_per_address(self, start: Start) -> None:
        """Beyond its burst an address gets 429; it is counted."""
        client = await start(upgrades_per_second=0.001, upgrades_burst=2)
        for _ in range(2):
            assert (await refusal(client, "player", **PROXIED))[0] == 101
        assert await refusal(client, "player", **PROXIED) == (TOO_MANY, "too_many_attempts")
        assert await hits(client, "upgrades_per_second") == 1

    async def test_addresses_behind_a_proxy(self, start: Start) -> None:
        """Behind a trusted proxy each player counts for itself, an IPv6 site as one."""
        client = await start(reverse_proxy=True, upgrades_per_second=0.001, upgrades_burst=1)
        first, second = "2001:db8:0:1::1", "2001:db8:0:1:ffff::2"
        for address, status in (
            (f"192.0.2.9, {first}", 101),
            (second, TOO_MANY),
            ("2001:db8:0:2::1", 101),
            ("192.0.2.1", 101),
            ("::ffff:192.0.2.1", TOO_MANY),
        ):
            result = await refusal(client, "player", **{"X-Forwarded-For": address})
            assert result[0] == status, address

    async def test_own_machine_is_not_counted(self, start: Start) -> None:
        """This machine's own peers may be anybody's: they have no limit by address."""
        client = await start(
            upgrades_per_second=0.001, upgrades_burst=1, connections_per_address=1
        )
        for _ in range(3):
            await client.player()

    async def test_own_machine_can_be_counted(self, start: Start) -> None:
        """With limit_loopback they are like all others."""
        client = await start(connections_per_address=1, limit_loopback=True)
        await client.player()
        assert (await refusal(client, "player"))[0] == UNAVAILABLE

    @pytest.mark.parametrize("role", ["player", "streamer", "sfu"])
    async def test_failed_attempts(self, start: Start, role: str) -> None:
        """After so many wrong tokens an address gets 429, with the right one too."""
        client = await start(player_token="p", streamer_token="s", failed_attempts_per_minute=3)
        for _ in range(3):
            assert (await refusal(client, role, "?token=wrong"))[0] == 401
        right = "?token=p" if role == "player" else "?token=s"
        assert await refusal(client, role, right) == (TOO_MANY, "too_many_attempts")
        assert await hits(client, "failed_attempts_per_minute") == 1

    async def test_no_token_is_no_guess(self, start: Start) -> None:
        """A peer without a token is refused each time, but not for guessing."""
        client = await start(player_token="p", failed_attempts_per_minute=1)
        for _ in range(3):
            assert (await refusal(client, "player"))[0] == 401
        await client.player("?token=p")

    async def test_connections_per_address(self, start: Start) -> None:
        """One too many gets 503; a place that is given back is given again."""
        client = await start(connections_per_address=1)
        first = await client.connect("player", headers=PROXIED)
        assert await refusal(client, "player", **PROXIED) == (
            UNAVAILABLE,
            "too_many_connections",
        )
        assert await hits(client, "connections_per_address") == 1
        await first.socket.close()
        await eventually(lambda: not client.server.limits.sizes()["connections"])
        await client.connect("player", headers=PROXIED)

    async def test_connections_in_all(self, start: Start) -> None:
        """A full server says so; players leave the places of streamers alone."""
        client = await start(max_connections=1)
        await client.player()
        assert await refusal(client, "player") == (UNAVAILABLE, "server_full")
        await client.streamer()
        assert await refusal(client, "streamer") == (UNAVAILABLE, "server_full")

    async def test_refused_upgrades_keep_nothing(self, start: Start) -> None:
        """An upgrade that is refused after it had a place gives it back."""
        client = await start(player_token="p", failed_attempts_per_minute=0)
        for _ in range(5):
            await refusal(client, "player", "?token=wrong")
        assert client.server.limits.sizes()["connections"] == 0

    async def test_own_machine_can_fail_too(self, start: Start) -> None:
        """Guessing operators' tokens is limited as well, on this machine as elsewhere."""
        client = await start(admin_token="operator", failed_attempts_per_minute=2)
        for number in range(4):
            headers = {**PROXIED, "Authorization": f"Bearer wrong{number}"}
            url = client.running.http("/metrics")
            async with client.http.get(url, headers=headers) as response:
                assert response.status == 403
        right = {**PROXIED, "Authorization": "Bearer operator"}
        async with client.http.get(url, headers=right) as response:
            assert response.status == 403


class TestHeaderDeadline:
    """A peer that never finishes its request."""

    @pytest.mark.parametrize(
        ("port", "sent"),
        [
            ("player", b""),
            ("player", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "),
            ("streamer", b"GET"),
            ("sfu", b"GET"),
        ],
    )
    async def test_slow_head_is_cut(self, start: Start, port: str, sent: bytes) -> None:
        """A connection without a whole request head is cut after header_timeout."""
        client = await start(header_timeout=0.01)
        host_port = client.running.url(port).removeprefix("ws://").rstrip("/")
        reader, writer = await asyncio.open_connection(*host_port.split(":"))
        writer.write(sent)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        assert await hits(client, "header_timeout") == 1

    async def test_open_sockets_are_left_alone(self, start: Start) -> None:
        """A peer that has upgraded may be as quiet as it likes."""
        client = await start(header_timeout=0.01)
        player = await client.player()
        for _ in range(3):
            client.server.http_guard.sweep()
            await asyncio.sleep(0.02)
        await player.hears_nothing_before()
        assert await hits(client, "header_timeout") == 0


class TestTransfers:
    """Requests and answers that never end, and connections that are only kept."""

    async def test_slow_body_is_cut(self, start: Start) -> None:
        """A request whose body trickles in is cut after transfer_timeout."""
        client = await start(matchmaking=True, transfer_timeout=0.01)
        head = b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        reader, writer = await asyncio.open_connection("127.0.0.1", client.running.player_port)
        writer.write(head)
        async with asyncio.timeout(5):
            assert await end_of(reader) == b""
        writer.close()
        assert await hits(client, "transfer_timeout") == 1

    async def test_answers_that_nobody_reads(self, start: Start) -> None:
        """A peer that asks and asks and takes no answer is cut, its answers are dropped."""
        client = await start(transfer_timeout=0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.running.player_port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 3_000)
        server = client.server
        async with asyncio.timeout(10):
            while await hits(client, "transfer_timeout") == 0:
                server.http_guard.sweep()
                await asyncio.sleep(0)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            await end_of(reader)
        writer.close()

    async def test_idle_connections_of_an_address(self, start: Start) -> None:
        """Of too many idle connections of one address the oldest are closed."""
        client = await start(http_connections_per_address=2, limit_loopback=True)
        await self._keeps_the_newest(client, "http_connections_per_address")

    async def test_idle_connections_in_all(self, start: Start) -> None:
        """Of too many idle connections in all the oldest are closed."""
        client = await start(max_http_connections=2)
        await self._keeps_the_newest(client, "max_http_connections")

    async def test_silent_connections_of_an_address(self, start: Start) -> None:
        """Those that never ask for anything count too, long before their deadline."""
        client = await start(http_connections_per_address=2, limit_loopback=True)
        port = client.running.player_port
        some = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        _, last = await ask_health(port)  # By now all of them are accepted.
        client.server.http_guard.sweep()
        async with asyncio.timeout(5):
            for reader, writer in some[:3]:
                assert await reader.read() == b""
                writer.close()
        some[3][1].write(HEALTH)
        assert b"200 OK" in await some[3][0].readuntil(b"}")
        for writer in (some[3][1], last):
            writer.close()

    @staticmethod
    async def _keeps_the_newest(client: Client, limit: str) -> None:
        async with client.http.get(client.running.http("/health")):
            pass
        await client.http.close()
        some = [await ask_health(client.running.player_port) for _ in range(4)]
        client.server.http_guard.sweep()
        async with asyncio.timeout(5):
            for reader, writer in some[:2]:
                assert await end_of(reader) == b""
                writer.close()
        for reader, writer in some[2:]:
            writer.write(HEALTH)
            assert b"200 OK" in await reader.readuntil(b"}")
            writer.close()
        assert f'limit="{limit}"}} 2.0'.encode() in client.server.metrics.exposition()


HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


async def ask_health(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection that was used once and is kept."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH)
    await reader.readuntil(b"}")
    return reader, writer


async def end_of(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, by a reset too."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_close_codes_of_strangers(start: Start) -> None:
    """Peers choose among thousands of codes; the metrics keep one series for all of them."""
    client = await start()
    for code in (3456, 4321, 4999):
        player = await client.player()
        await player.socket.close(code=code)
    other = b'signalling_sockets_closed_total{code="other",role="player"} 3.0'
    await eventually(lambda: other in client.server.metrics.exposition())
