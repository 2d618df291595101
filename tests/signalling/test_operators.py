"""Operators: who they are, what is closed without one, and the record of what they do."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from signalling.access.browser import NO_PAGE_POLICY
from signalling.errors import Refused
from tests.signalling.peers import Client, Start
from tests.signalling.tokens import PROXIED, SECRET, token


def request(bearer: str | None = None, query: str = "") -> web.Request:
    """Return a request that shows a bearer token."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return make_mocked_request("DELETE", f"/api/players/1{query}", headers=headers)


class TestOperators:
    """What routes ask."""

    @pytest.mark.parametrize("bearer", [None, "", "wrong", "operatorx", "operato"])
    async def test_wrong_tokens(self, start: Start, bearer: str | None) -> None:
        """Nobody is an operator but who shows the token."""
        operators = (await start(admin_token="operator")).server.operators
        assert not operators.is_admin(request(bearer))
        with pytest.raises(Refused) as caught:
            operators.require(request(bearer), "kick")
        assert caught.value.status == 401

    async def test_right_token(self, start: Start) -> None:
        """The token in the Authorization header makes an operator; a link does not."""
        operators = (await start(admin_token="operator")).server.operators
        assert operators.is_admin(request("operator"))
        assert not operators.is_admin(request(query="?token=operator"))

    async def test_jwt_with_scope(self, start: Start) -> None:
        """So does a JWT with the scope admin, and no other."""
        operators = (await start(jwt_secret=SECRET)).server.operators
        assert operators.is_admin(request(token(sub="ada", scope="openid admin")))
        assert not operators.is_admin(request(token(sub="ada", scope="administrator")))
        assert not operators.is_admin(request(token(scope="admin", seconds=-60)))

    async def test_closed_without_configuration(self, client: Client) -> None:
        """Where nobody can be an operator the answer is 403."""
        operators = client.server.operators
        assert not operators.is_configured
        with pytest.raises(Refused) as caught:
            operators.require(request("anything"), "kick")
        assert caught.value.status == 403

    async def test_actions_are_written_down(self, start: Start) -> None:
        """The audit log says who did what, without the token."""
        operators = (await start(jwt_secret=SECRET, admin_token="operator")).server.operators
        shown = token(sub="ada", scope="admin")
        with capture_logs() as logs:
            operators.require(request(shown), "player_disconnected", player="1")
            operators.require(request("operator"), "drain")
        assert [(entry["event"], entry["by"], entry["action"]) for entry in logs] == [
            ("admin_action", "ada", "player_disconnected"),
            ("admin_action", "admin", "drain"),
        ]
        assert shown not in str(logs)

    async def test_record_says_to_whom(self, start: Start) -> None:
        """Action and refusal on every kind of route name the path: the player, user or host."""
        options = {"rest_api": True, "matchmaking": True, "failed_attempts_per_minute": 5}
        client = await start(admin_token="operator", **options)
        paths = ("/api/players/P7", "/api/users/U8", "/api/hosts/H9/drain")
        with capture_logs() as logs:
            for path in paths:
                for shown in ("operator", "wrong"):
                    headers = {"Authorization": f"Bearer {shown}"}
                    url = client.running.http(path)
                    await (await client.http.delete(url, headers=headers)).release()
        for event in ("admin_action", "admin_refused"):
            told = [entry["path"] for entry in logs if entry["event"] == event]
            assert told == list(paths), event

    async def test_good_tokens_of_others_are_no_guesses(self, start: Start) -> None:
        """A player that shows its own token where an operator's would do guesses nothing."""
        client = await start(
            jwt_secret=SECRET, player_token="p", admin_token="o", failed_attempts_per_minute=1
        )
        operators = client.server.operators
        for shown in ("p", token(sub="ada"), token(scope="admin", seconds=-60)):
            assert not operators.is_admin(request(shown))
        assert operators.is_admin(request("o"))

    async def test_guesses_are_limited(self, start: Start) -> None:
        """After too many wrong tokens the right one does not help for a while."""
        client = await start(admin_token="operator", failed_attempts_per_minute=2)
        operators = client.server.operators
        assert not operators.is_admin(request("one"))
        assert not operators.is_admin(request("two"))
        assert not operators.is_admin(request("operator"))
        with pytest.raises(Refused) as caught:
            operators.require(request("operator"), "kick")
        assert caught.value.status == 429


class TestMetrics:
    """Who may read /metrics."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            (PROXIED, 403),
            ({**PROXIED, "Authorization": "Bearer operator"}, 200),
            ({**PROXIED, "Authorization": "Bearer wrong"}, 403),
        ],
    )
    async def test_this_machine_or_operators(
        self, start: Start, headers: dict[str, str], status: int
    ) -> None:
        """This machine may, and operators from anywhere; nobody else."""
        client = await start(admin_token="operator")
        async with client.http.get(client.running.http("/metrics"), headers=headers) as answer:
            assert answer.status == status


class TestSecurityHeaders:
    """What every HTTP answer carries."""

    @pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics", "/nowhere"])
    @pytest.mark.parametrize("port", ["player", "streamer"])
    async def test_every_answer(self, client: Client, path: str, port: str) -> None:
        """No sniffing, no caching, nothing to run or frame, no version of ours."""
        url = client.running.url(port).replace("ws://", "http://").rstrip("/") + path
        async with client.http.get(url) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == NO_PAGE_POLICY
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Server" not in answer.headers

    async def test_refused_upgrade(self, start: Start) -> None:
        """A refused upgrade is an HTTP answer like the others."""
        client = await start(player_token="p")
        url = client.running.http("/")
        async with client.http.get(url, headers={"Upgrade": "websocket"}) as answer:
            assert answer.status == 401
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_page_keeps_its_own_policy(self, start: Start, tmp_path: Path) -> None:
        """The page's policy, under which it works, is not replaced."""
        (tmp_path / "index.html").write_text("<!doctype html>")
        policy = "default-src 'self' https://cdn.example"
        client = await start(http_root=tmp_path, content_security_policy=policy)
        async with client.http.get(client.running.http("/")) as answer:
            assert answer.headers["Content-Security-Policy"].startswith(policy)
            assert answer.headers["Cache-Control"] == "no-cache"
