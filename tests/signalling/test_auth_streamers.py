"""Which streamers and SFUs get in, and what they may be called, over real sockets."""

from http import HTTPStatus

import pytest

from signalling.errors import CloseCode
from tests.signalling.peers import Client, Peer, Start, eventually
from tests.signalling.tokens import PROXIED, SECRET, refusal, token

UNAUTHORIZED = HTTPStatus.UNAUTHORIZED
FORBIDDEN = HTTPStatus.FORBIDDEN

HOSTS = pytest.mark.parametrize("role", ["streamer", "sfu"])


async def greeted(client: Client, query: str, role: str = "streamer", **headers: str) -> Peer:
    """Connect a streamer and hear the greeting."""
    peer = await client.connect(role, query, headers=headers)
    assert [(await peer.hear())["type"] for _ in range(2)] == ["identify", "config"]
    return peer


class TestOpenPort:
    """Without any credential configured."""

    @HOSTS
    async def test_own_machine_gets_in(self, client: Client, role: str) -> None:
        """A peer of this machine needs nothing."""
        await greeted(client, "", role)

    @HOSTS
    @pytest.mark.parametrize(
        "header",
        [
            "X-Forwarded-For",
            "Forwarded",
            "X-Real-IP",
            "Via",
            "CF-Connecting-IP",
            "x-forwarded-port",
            "X-Forwarded-Server",
            "X-Envoy-External-Address",
            "X-Original-Forwarded-For",
            "Fly-Client-IP",
            "CDN-Loop",
        ],
    )
    async def test_any_forwarding_header_disqualifies(
        self, client: Client, role: str, header: str
    ) -> None:
        """What came through a proxy on this machine is not of this machine."""
        result = await refusal(client, role, **{header: "127.0.0.1"})
        assert result == (UNAUTHORIZED, "token_required")

    @HOSTS
    async def test_pages_of_the_web_stay_out(self, client: Client, role: str) -> None:
        """A page that a user of this machine looks at is not trusted like a program."""
        result = await refusal(client, role, Origin="https://evil.example")
        assert result == (FORBIDDEN, "origin_not_allowed")
        await greeted(client, "", role, Origin="http://localhost:8080")

    async def test_programs_with_the_origin_they_connect_to(self, client: Client) -> None:
        """UE's library says the host it connects to; a page that says it is a browser's."""
        named = {"Host": "gpu7.example:8888", "Origin": "http://gpu7.example"}
        await greeted(client, "", **named)
        page = {**named, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
        assert (await refusal(client, "streamer", **page))[0] == FORBIDDEN
        for odd in ("null", "http://[", "gpu8.example"):
            assert (await refusal(client, "streamer", Origin=odd))[0] == FORBIDDEN

    async def test_loopback_behind_a_trusted_proxy(self, start: Start) -> None:
        """A trusted proxy that says the peer is of this machine is not enough either."""
        client = await start(reverse_proxy=True, reverse_proxy_streamers=True)
        result = await refusal(client, "streamer", **{"X-Forwarded-For": "127.0.0.1"})
        assert result == (UNAUTHORIZED, "token_required")

    async def test_jwt_for_players_leaves_it_open(self, start: Start) -> None:
        """An issuer for players does not lock out UE on the same machine."""
        client = await start(jwt_secret=SECRET)
        await greeted(client, "")
        assert (await refusal(client, "streamer", **PROXIED))[0] == UNAUTHORIZED


class TestCredentials:
    """With streamer_token or an issuer."""

    @HOSTS
    async def test_token_closes_the_port_for_everybody(self, start: Start, role: str) -> None:
        """With streamer_token this machine's own peers need it too."""
        client = await start(streamer_token="secret")
        assert (await refusal(client, role))[0] == UNAUTHORIZED
        assert (await refusal(client, role, "?token=wrong"))[0] == UNAUTHORIZED

    @HOSTS
    async def test_token_in_query_or_header(self, start: Start, role: str) -> None:
        """UE can only be given a URL; other programs may use the header."""
        client = await start(streamer_token="secret")
        await greeted(client, "?token=secret", role, **PROXIED)
        await greeted(client, "", role, Authorization="Bearer secret", **PROXIED)

    async def test_players_token_is_no_streamers(self, start: Start) -> None:
        """What admits a player does not admit a streamer, nor a streamer's an SFU."""
        client = await start(jwt_secret=SECRET, player_token="player")
        for bad in ("player", token(sub="ada"), token(sub="ada", scope="player admin sfu")):
            assert (await refusal(client, "streamer", f"?token={bad}"))[0] == UNAUTHORIZED
        bad = token(sub="host1", scope="streamer")
        assert (await refusal(client, "sfu", f"?token={bad}"))[0] == UNAUTHORIZED

    async def test_jwt_says_what_the_streamer_is(self, start: Start) -> None:
        """What a token says of its streamer wins over the query; the token is not kept."""
        client = await start(jwt_secret=SECRET)
        good = token(sub="host1", scope="streamer", region="eu", host="gpu1")
        peer = await greeted(client, f"?token={good}&region=us&version=7", **PROXIED)
        await peer.say("endpointId", id="Kiosk")
        await peer.hear_type("endpointIdConfirm")
        origin = client.server.registry.streamers["Kiosk"].origin
        assert origin.query == {"region": "eu", "host": "gpu1", "version": "7"}

    async def test_expiry_counts_at_the_door_only(self, start: Start) -> None:
        """A streamer stays when its token runs out: closing would cut its viewers."""
        client = await start(jwt_secret=SECRET)
        await greeted(client, f"?token={token(sub='host1', scope='streamer', seconds=60)}")
        assert len(client.server.calendar) == 0
        old = token(sub="host1", scope="streamer", seconds=-60)
        assert await refusal(client, "streamer", f"?token={old}") == (
            UNAUTHORIZED,
            "token_expired",
        )

    @pytest.mark.parametrize(
        ("networks", "status"),
        [("10.0.0.0/8, ::1", 403), ("127.0.0.0/8", 101), ("127.0.0.1", 101)],
    )
    async def test_address_allow_list(self, start: Start, networks: str, status: int) -> None:
        """Only the named networks get in, players from anywhere."""
        client = await start(streamer_addresses=networks)
        assert (await refusal(client, "streamer"))[0] == status
        await client.player()


class TestNames:
    """What a token lets a streamer be called."""

    async def test_allowed_names(self, start: Start) -> None:
        """A streamer gets a name that its token's patterns match."""
        client = await start(jwt_secret=SECRET)
        good = token(scope="streamer", streamer_ids=["Kiosk*"])
        peer = await greeted(client, f"?token={good}")
        await peer.say("endpointId", id="Kiosk7")
        assert (await peer.hear())["committedId"] == "Kiosk7"

    async def test_other_name_at_first(self, start: Start) -> None:
        """A streamer that has no name yet and wants another's is closed with 1008."""
        client = await start(jwt_secret=SECRET)
        good = token(scope="streamer", streamer_ids=["Kiosk*"])
        peer = await greeted(client, f"?token={good}")
        await peer.say("endpointId", id="Office")
        assert (await peer.closed())[0] == CloseCode.BAD_MESSAGE
        assert not client.server.registry.streamers

    async def test_other_name_later(self, start: Start) -> None:
        """One that has a name keeps it, and its players their picture."""
        client = await start(jwt_secret=SECRET)
        good = token(scope="streamer", streamer_ids="Kiosk")
        peer = await greeted(client, f"?token={good}")
        await peer.say("endpointId", id="Kiosk")
        await peer.hear_type("endpointIdConfirm")
        await peer.say("endpointId", id="Office")
        await peer.hears_nothing_before()
        assert list(client.server.registry.streamers) == ["Kiosk"]

    async def test_silent_streamer_gets_the_one_it_may_have(self, start: Start) -> None:
        """A legacy streamer is called what its token says, if that is one name."""
        client = await start(jwt_secret=SECRET, identify_timeout=0.05)
        await greeted(client, f"?token={token(scope='streamer', streamer_ids='Kiosk')}")
        await eventually(lambda: "Kiosk" in client.server.registry.streamers)

    async def test_silent_streamers_can_be_closed(self, start: Start) -> None:
        """With unnamed_streamers close, whoever says no name is closed."""
        client = await start(unnamed_streamers="close", identify_timeout=0.05)
        peer = await greeted(client, "")
        assert (await peer.closed())[0] == CloseCode.BAD_MESSAGE


class TestTakeover:
    """Who gets a name that is taken."""

    @pytest.mark.parametrize(
        ("first", "second", "name"),
        [
            ("streamer", "streamer", "Kiosk"),
            ("jwt:host1", "jwt:host1", "Kiosk"),
            ("jwt:host1", "jwt:host2", "Kiosk1"),
            ("jwt:host1", "streamer", "Kiosk1"),
            ("jwt:", "jwt:", "Kiosk1"),
        ],
    )
    async def test_silent_socket(
        self, start: Start, first: str, second: str, name: str
    ) -> None:
        """A name is taken over by the same credential only, its players are sent back."""
        client = await start(jwt_secret=SECRET, streamer_token="streamer")
        old = await self._named(client, first)
        player = await client.player(f"?token={token(sub='ada')}")
        await client.watch(player, old)
        self._miss_a_ping(client)
        new = await greeted(client, self._query(second))
        await new.say("endpointId", id="Kiosk")
        assert (await new.hear())["committedId"] == name
        if name == "Kiosk":
            assert (await old.closed())[0] == CloseCode.RELEASED
            assert (await player.closed())[0] == CloseCode.STREAMER_LEFT
            await self._stays(client, new)

    async def test_answering_socket_keeps_its_name(self, start: Start) -> None:
        """The right credential alone takes nothing from a socket that is alive."""
        client = await start(streamer_token="streamer")
        await self._named(client, "streamer")
        new = await greeted(client, "?token=streamer")
        await new.say("endpointId", id="Kiosk")
        assert (await new.hear())["committedId"] == "Kiosk1"

    async def test_open_port_has_no_credential(self, client: Client) -> None:
        """Where nothing is asked for, nobody can show that the name is theirs."""
        await client.streamer("Kiosk")
        self._miss_a_ping(client)
        new = await client.streamer(None)
        await new.say("endpointId", id="Kiosk")
        assert (await new.hear())["committedId"] == "Kiosk1"

    async def _named(self, client: Client, credential: str) -> Peer:
        peer = await greeted(client, self._query(credential))
        await peer.say("endpointId", id="Kiosk")
        await peer.hear_type("endpointIdConfirm")
        return peer

    @staticmethod
    def _query(credential: str) -> str:
        kind, colon, name = credential.partition(":")
        return f"?token={token(sub=name, scope='streamer') if colon else kind}"

    @staticmethod
    def _miss_a_ping(client: Client) -> None:
        """Turn the wheel until the streamer, whose socket nobody reads, has missed a ping."""
        wheel = client.server._wheels["streamer"]
        (streamer,) = client.server.registry.streamers.values()
        while not wheel.is_silent(streamer.link):
            wheel.tick()

    @staticmethod
    async def _stays(client: Client, new: Peer) -> None:
        """Assert that the old socket's end takes nothing from its successor."""
        await eventually(lambda: len(client.server.connections) == 1)
        assert list(client.server.registry.streamers) == ["Kiosk"]
        await new.hears_nothing_before()
