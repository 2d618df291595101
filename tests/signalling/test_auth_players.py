"""Which players get in, as whom, and what they may see, over real sockets."""

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from signalling.access.browser import USER_COOKIE
from signalling.errors import CloseCode
from tests.signalling.peers import Client, Start, eventually
from tests.signalling.tokens import SECRET, Issuer, KeyServer, key_set, refusal, token

UNAUTHORIZED = HTTPStatus.UNAUTHORIZED


def user_of(client: Client) -> str:
    """Return whose connection the only player is."""
    (player,) = client.server.registry.players.values()
    return player.grant.user


def site(folder: Path) -> Path:
    """Return *folder* with a homepage in it."""
    (folder / "index.html").write_text("<!doctype html><title>Home</title>")
    return folder


class TestSharedToken:
    """Wilbur's player_token."""

    async def test_without_options_players_are_open(self, client: Client) -> None:
        """A server that was told nothing lets every player in, whatever it shows."""
        await client.player()
        await client.player("?token=whatever")

    @pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=secre"])
    async def test_wrong_token_is_refused(self, start: Start, query: str) -> None:
        """No token and a wrong one get 401 in plain HTTP."""
        client = await start(player_token="secret")
        assert (await refusal(client, "player", query))[0] == UNAUTHORIZED

    async def test_right_token_in_each_place(self, start: Start) -> None:
        """Query, bearer header and subprotocol are equally good."""
        client = await start(player_token="secret")
        await client.player("?token=secret")
        bearer = await client.connect("player", headers={"Authorization": "Bearer secret"})
        await bearer.hear_type("config")
        offered = await client.connect("player", protocols=("bearer", "secret"))
        await offered.hear_type("config")
        assert offered.socket.protocol == "bearer"

    async def test_token_from_a_file(self, start: Start, tmp_path: Path) -> None:
        """The token may stand in a file."""
        file = tmp_path / "token"
        file.write_text("secret\n")
        client = await start(player_token_file=file)
        await client.player("?token=secret")
        assert (await refusal(client, "player"))[0] == UNAUTHORIZED

    async def test_401_says_how_to_authenticate(self, start: Start) -> None:
        """A 401 names its scheme, as RFC 9110 wants."""
        client = await start(player_token="secret")
        url = client.running.http("/")
        async with client.http.get(url, headers={"Upgrade": "websocket"}) as response:
            assert response.headers["WWW-Authenticate"] == "Bearer"

    async def test_other_subprotocols_are_accepted(self, client: Client) -> None:
        """A peer that offers a subprotocol of its own gets it, as from Wilbur."""
        peer = await client.connect("player", protocols=("ws", "other"))
        assert peer.socket.protocol == "ws"


class TestJwt:
    """Tokens of an issuer."""

    async def test_user_is_the_subject(self, start: Start) -> None:
        """The user of a connection is the token's sub."""
        client = await start(jwt_secret=SECRET)
        await client.player(f"?token={token(sub='ada')}")
        assert user_of(client) == "ada"

    @pytest.mark.parametrize(
        ("bad", "code"),
        [
            (token("another secret of thirty-two bytes or so", sub="ada"), "bad_token"),
            (token(sub="ada", seconds=-60), "token_expired"),
            (token(sub="anon:0123"), "bad_token"),
            (token(sub="ada", streamers=7), "bad_token"),
            (token(sub="ada", scope="streamer"), "wrong_scope"),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.", "bad_token"),
            ("a.b.c", "bad_token"),
            ("%00", "bad_token"),
        ],
    )
    async def test_bad_tokens(self, start: Start, bad: str, code: str) -> None:
        """Another signature, an old date, no signature, wrong claims: 401 and why."""
        client = await start(jwt_secret=SECRET)
        assert await refusal(client, "player", f"?token={bad}") == (UNAUTHORIZED, code)

    async def test_issuer_and_audience(self, start: Start) -> None:
        """With jwt_issuer and jwt_audience a token of or for somebody else is refused."""
        client = await start(jwt_secret=SECRET, jwt_issuer="me", jwt_audience="here")
        await client.player(f"?token={token(sub='ada', iss='me', aud='here')}")
        for claims in ({"iss": "me", "aud": "there"}, {"iss": "you", "aud": "here"}, {}):
            query = f"?token={token(sub='ada', **claims)}"
            assert (await refusal(client, "player", query))[0] == UNAUTHORIZED

    async def test_scopes_of_others_do_not_matter(self, start: Start) -> None:
        """An issuer's own scopes neither open nor close anything."""
        client = await start(jwt_secret=SECRET)
        await client.player(f"?token={token(sub='ada', scope='openid profile')}")

    async def test_only_allowed_streamers_exist(self, start: Start) -> None:
        """A player sees and may watch what its patterns match; the rest does not exist."""
        client = await start(jwt_secret=SECRET)
        kiosk = await client.streamer("Kiosk1")
        await client.streamer("Office")
        player = await client.player(f"?token={token(sub='ada', streamers=['Kiosk*'])}")
        await player.say("listStreamers")
        assert (await player.hear())["ids"] == ["Kiosk1"]
        await player.say("subscribe", streamerId="Office")
        failed = await player.hear_type("subscribeFailed")
        assert failed["message"] == "Streamer Office does not exist."
        assert await client.watch(player, kiosk, "Kiosk1")

    async def test_unasked_player_gets_an_allowed_streamer(self, start: Start) -> None:
        """An old page that never subscribes gets the first streamer that it may watch."""
        client = await start(jwt_secret=SECRET)
        office = await client.streamer("Office")
        kiosk = await client.streamer("Kiosk")
        player = await client.player(f"?token={token(sub='ada', streamers='Kiosk')}")
        await player.say("offer", sdp="v=0")
        await kiosk.hear_type("playerConnected")
        await office.hears_nothing_before()

    async def test_unasked_player_without_an_allowed_streamer(self, start: Start) -> None:
        """It is closed as if no streamer were connected."""
        client = await start(jwt_secret=SECRET)
        await client.streamer("Office")
        player = await client.player(f"?token={token(sub='ada', streamers=[])}")
        await player.say("offer", sdp="v=0")
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT


class TestExpiry:
    """What happens when a token runs out while its player is here."""

    async def test_expired_player_is_closed(self, start: Start) -> None:
        """The socket is closed with 4005 in the second after the token ends."""
        client = await start(jwt_secret=SECRET)
        player = await client.player(f"?token={token(sub='ada', seconds=60)}")
        client.server.calendar.turn(time.time() + 59)
        await player.hears_nothing_before()
        client.server.calendar.turn(time.time() + 62)
        assert (await player.closed())[0] == CloseCode.TOKEN_EXPIRED
        await eventually(lambda: not client.server.registry.players)
        assert len(client.server.calendar) == 0

    async def test_the_servers_own_clock_closes(self, start: Start) -> None:
        """Nobody has to turn the calendar."""
        client = await start(jwt_secret=SECRET)
        player = await client.player(f"?token={token(sub='ada', seconds=0.5)}")
        assert (await player.closed())[0] == CloseCode.TOKEN_EXPIRED

    async def test_player_that_leaves_is_forgotten(self, start: Start) -> None:
        """The calendar holds nobody who is not connected."""
        client = await start(jwt_secret=SECRET)
        player = await client.player(f"?token={token(sub='ada')}")
        assert len(client.server.calendar) == 1
        await player.socket.close()
        await eventually(lambda: len(client.server.calendar) == 0)

    async def test_refreshed_player_stays(self, start: Start) -> None:
        """A newer token of the same user moves the end, and its claims count from now on."""
        client = await start(jwt_secret=SECRET)
        await client.streamer("Kiosk")
        player = await client.player(f"?token={token(sub='ada', seconds=60)}")
        self._let_time_pass(client)
        newer = token(sub="ada", seconds=600, streamers=["Other"])
        await player.say("tokenRefresh", token=newer)
        assert (await player.hear_type("tokenRefreshed"))["expiresAt"] > time.time() + 500
        client.server.calendar.turn(time.time() + 300)
        await player.say("listStreamers")
        assert (await player.hear())["ids"] == []

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"token": token(sub="bob")}, "other_user"),
            ({"token": token(sub="ada", seconds=-60)}, "token_expired"),
            ({"token": "nonsense"}, "bad_token"),
            ({"token": 7}, "bad_message"),
            ({}, "bad_message"),
        ],
    )
    async def test_unusable_refresh(self, start: Start, fields: dict, code: str) -> None:
        """Another's token, an old one, none: an error says so and the socket stays open."""
        client = await start(jwt_secret=SECRET)
        player = await client.player(f"?token={token(sub='ada')}")
        self._let_time_pass(client)
        await player.say("tokenRefresh", **fields)
        error = await player.hear_type("error")
        assert (error["code"], error["of"]) == (code, "tokenRefresh")
        assert user_of(client) == "ada"
        await player.hears_nothing_before()

    async def test_refreshes_have_a_rate(self, start: Start) -> None:
        """A player cannot keep the server busy with signatures."""
        client = await start(jwt_secret=SECRET)
        player = await client.player(f"?token={token(sub='ada')}")
        await player.say("tokenRefresh", token=token(sub="ada"))
        assert (await player.hear_type("error"))["code"] == "rate_limited"

    @staticmethod
    def _let_time_pass(client: Client) -> None:
        """Make the players' grants a minute old."""
        for player in client.server.registry.players.values():
            object.__setattr__(player.grant, "granted_at", time.time() - 60)


class TestPublicKeys:
    """Keys of an issuer, from a file or its server."""

    @pytest.mark.parametrize("make", [Issuer.rsa, Issuer.ec])
    async def test_key_set_in_a_file(
        self, start: Start, tmp_path: Path, make: Callable[[str], Issuer]
    ) -> None:
        """A token that the published key verifies gets in, one of another key does not."""
        issuer, stranger = make("k1"), make("k1")
        file = tmp_path / "keys.json"
        file.write_bytes(key_set(issuer))
        client = await start(jwks_file=file)
        await client.player(f"?token={issuer.token(sub='ada')}")
        query = f"?token={stranger.token(sub='ada')}"
        assert await refusal(client, "player", query) == (UNAUTHORIZED, "bad_token")

    async def test_public_key_is_no_secret(self, start: Start, tmp_path: Path) -> None:
        """A token signed with the public key as if it were a secret is refused."""
        issuer = Issuer.rsa("k1")
        file = tmp_path / "keys.json"
        file.write_bytes(key_set(issuer))
        client = await start(jwks_file=file)
        forged = token(issuer.jwk["n"], sub="ada")
        assert (await refusal(client, "player", f"?token={forged}"))[0] == UNAUTHORIZED

    async def test_rotation(
        self, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A token of a new key makes the set be read again; one of a removed key is refused."""
        monkeypatch.setattr("signalling.access.keys.MIN_AGE_SECONDS", 0)
        old, new = Issuer.ec("old"), Issuer.ec("new")
        file = tmp_path / "keys.json"
        file.write_bytes(key_set(old))
        client = await start(jwks_file=file)
        await client.player(f"?token={old.token(sub='ada')}")
        file.write_bytes(key_set(new))
        await client.player(f"?token={new.token(sub='ada')}")
        query = f"?token={old.token(sub='ada')}"
        assert (await refusal(client, "player", query))[0] == UNAUTHORIZED

    async def test_key_server(self, start: Start, key_server: KeyServer) -> None:
        """Keys are fetched once for many tokens, and unknown key ids cannot make it many."""
        issuer = Issuer.ec("k1")
        key_server.body = key_set(issuer)
        client = await start(jwks_url=key_server.url, failed_attempts_per_minute=0)
        for _ in range(3):
            await client.player(f"?token={issuer.token(sub='ada')}")
        for number in range(5):
            stranger = Issuer("ES256", f"x{number}", issuer.key)
            query = f"?token={stranger.token(sub='ada')}"
            assert await refusal(client, "player", query) == (UNAUTHORIZED, "unknown_key")
        assert key_server.requests == 1

    async def test_key_server_that_is_down(self, start: Start, key_server: KeyServer) -> None:
        """The server starts all the same, refuses, and lets in when the keys are there."""
        issuer = Issuer.ec("k1")
        key_server.status = 500
        with capture_logs() as logs:
            client = await start(jwks_url=key_server.url)
        assert "key_set_unusable" in {entry["event"] for entry in logs}
        query = f"?token={issuer.token(sub='ada')}"
        assert (await refusal(client, "player", query))[0] == UNAUTHORIZED
        key_server.status, key_server.body = 200, key_set(issuer)
        client.server.authenticator.keys._tried_at = float("-inf")
        await client.player(query)


class TestAnonymousUsers:
    """Who a visitor is that nobody vouches for."""

    async def test_page_gives_an_id_to_come_back_with(
        self, start: Start, tmp_path: Path
    ) -> None:
        """The page sets a signed cookie, and the socket that brings it is that user's."""
        client = await start(http_root=site(tmp_path))
        async with client.http.get(client.running.http("/")) as response:
            signed = response.cookies[USER_COOKIE].value
            assert response.cookies[USER_COOKIE]["samesite"] == "Lax"
        await client.connect("player", headers={"Cookie": f"{USER_COOKIE}={signed}"})
        assert user_of(client) == client.server.users.anonymous(signed)

    async def test_cookie_is_kept(self, start: Start, tmp_path: Path) -> None:
        """A visitor that has a genuine cookie gets no other."""
        client = await start(http_root=site(tmp_path))
        signed = client.server.users.signed("anon:1")
        cookie = {"Cookie": f"{USER_COOKIE}={signed}"}
        async with client.http.get(client.running.http("/"), headers=cookie) as response:
            assert USER_COOKIE not in response.cookies

    @pytest.mark.parametrize("cookie", ["anon:1", "YW5vbjox.AAAA", "", "%00", "a" * 5000])
    async def test_forged_cookie(self, client: Client, cookie: str) -> None:
        """A cookie that this server has not signed makes nobody anybody."""
        await client.connect("player", headers={"Cookie": f"{USER_COOKIE}={cookie}"})
        assert user_of(client).startswith("anon:")
        assert user_of(client) != "anon:1"

    async def test_secret_outlives_the_server(self, start: Start, tmp_path: Path) -> None:
        """The key that signs is kept in data_dir, for its owner only."""
        first, second = await start(), await start()
        signed = first.server.users.signed("anon:1")
        assert second.server.users.anonymous(signed) == "anon:1"
        assert (tmp_path / "session_secret").stat().st_mode & 0o777 == 0o600

    async def test_other_secret_other_users(self, start: Start) -> None:
        """What one cluster signed means nothing to another."""
        first, second = (
            await start(session_secret="1" * 16),
            await start(session_secret="2" * 16),
        )
        assert second.server.users.anonymous(first.server.users.signed("anon:1")) is None

    async def test_bare_user_id_needs_the_admin_token(self, start: Start) -> None:
        """Only a trusted back end says who somebody is."""
        client = await start(admin_token="operator")
        users = client.server.users
        await client.player("?token=operator")
        (backend,) = client.server.registry.players.values()
        assert users.of(backend.grant, user_id="ada") == "ada"
        await client.player("?token=wrong")
        visitor = list(client.server.registry.players.values())[-1]
        assert users.of(visitor.grant, user_id="ada") == visitor.grant.user
        assert users.of(visitor.grant, user=users.signed("anon:1")) == "anon:1"


class TestOrigins:
    """Whose pages may open sockets."""

    async def test_any_by_default(self, client: Client) -> None:
        """Without the option pages may be embedded anywhere, as with Wilbur."""
        await client.connect("player", headers={"Origin": "https://elsewhere.example"})

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("https://shop.example", 101),
            ("https://SHOP.example", 101),
            ("https://eu.cdn.example", 101),
            ("http://shop.example", 403),
            ("https://shop.example.evil", 403),
            ("null", 403),
        ],
    )
    async def test_allow_list(self, start: Start, origin: str, status: int) -> None:
        """Only pages of the named origins get in; programs send none and do."""
        client = await start(allowed_origins="https://shop.example, https://*.cdn.example")
        await client.player()
        assert (await refusal(client, "player", Origin=origin))[0] == status
