"""Wilbur's REST API and the document that describes it."""

import msgspec
import orjson
import pytest

from signalling.errors import CloseCode
from signalling.http.rest import StreamerInfo
from tests.signalling.peers import Client, Json, Start

TOKEN = "a-token-of-the-operator"
AS_ADMIN = {"Authorization": f"Bearer {TOKEN}"}


async def get(client: Client, path: str, status: int = 200, **options: object) -> Json:
    """Return the JSON at *path*."""
    async with client.http.get(client.running.http(path), **options) as response:
        assert response.status == status, await response.text()
        assert response.content_type == "application/json"
        return orjson.loads(await response.read())


class TestReading:
    """What can be asked."""

    async def test_off_by_default(self, client: Client) -> None:
        """Without `rest_api` there is nothing, said in the body of every error."""
        body = await get(client, "/api/status", 404)
        assert body["error"]["code"] == "not_found"

    async def test_status(self, start: Start) -> None:
        """The figures have Wilbur's names."""
        client = await start(rest_api=True)
        await client.pair()
        status = await get(client, "/api/status")
        assert status.pop("uptime") >= 0
        assert status.pop("version")
        assert status == {"streamer_count": 1, "player_count": 1}

    async def test_streamers_and_players(self, start: Start) -> None:
        """Each is listed, and found by its id, with what Wilbur tells of it."""
        client = await start(rest_api=True)
        _, _, player_id = await client.pair("Ki osk/1")
        player = {
            "playerId": player_id,
            "type": "Player",
            "subscribedTo": "Ki osk/1",
            "remoteAddress": "127.0.0.1",
        }
        streamer = {
            "streamerId": "Ki osk/1",
            "type": "Streamer",
            "streaming": True,
            "remoteAddress": "127.0.0.1",
            "subscribers": [player],
        }
        assert await get(client, "/api/players") == [player]
        assert await get(client, f"/api/players/{player_id}") == player
        assert await get(client, "/api/streamers") == [streamer]
        async with client.http.get(
            client.running.http("/api/streamers/") + "Ki%20osk%2F1"
        ) as response:
            assert msgspec.json.decode(await response.read(), type=StreamerInfo)

    async def test_idle_player_watches_nobody(self, start: Start) -> None:
        """A field that has no value is left out, as in Wilbur's answers."""
        client = await start(rest_api=True)
        await client.player()
        assert "subscribedTo" not in (await get(client, "/api/players"))[0]

    @pytest.mark.parametrize("kind", ["players", "streamers"])
    async def test_unknown_id(self, start: Start, kind: str) -> None:
        """The body has the code for programs, and `message` as Wilbur's."""
        client = await start(rest_api=True)
        body = await get(client, f"/api/{kind}/Nobody", 404)
        assert body["error"]["code"] == f"no_such_{kind.removesuffix('s')}"
        assert "Nobody" in body["message"]

    async def test_config_has_no_secret(self, start: Start) -> None:
        """Neither options nor peer options show a credential, nor does a URL."""
        turn = {"urls": ["turn:a"], "username": "u", "credential": "hidden-1"}
        client = await start(
            rest_api=True,
            turn_secret="hidden-2",
            admin_token=TOKEN,
            peer_options={"iceServers": [turn]},
        )
        body = await get(client, "/api/config", headers=AS_ADMIN)
        assert body["config"]["rest_api"] is True
        assert body["protocolConfig"]["protocolVersion"] == "1.3.0"
        assert body["protocolConfig"]["peerConnectionOptions"]["iceServers"][0]["urls"]
        text = orjson.dumps(body)
        assert not any(secret in text for secret in (b"hidden-1", b"hidden-2", TOKEN.encode()))


class TestAccess:
    """Who may ask."""

    async def test_token_closes_reading(self, start: Start) -> None:
        """With an admin token, only the operator reads."""
        client = await start(rest_api=True, admin_token=TOKEN)
        body = await get(client, "/api/players", 401)
        assert body == {
            "error": {"code": "token_required", "message": "this needs the admin token"}
        }
        wrong = {"Authorization": "Bearer nearly"}
        await get(client, "/api/players", 401, headers=wrong)
        assert await get(client, "/api/players", headers=AS_ADMIN) == []

    async def test_nobody_disconnects_without_a_token(self, start: Start) -> None:
        """Where no token is set, what needs one is closed to everybody."""
        client = await start(rest_api=True)
        _, player, player_id = await client.pair()
        url = client.running.http(f"/api/players/{player_id}")
        async with client.http.delete(url, headers=AS_ADMIN) as response:
            assert response.status == 403
        await player.hears_nothing_before()

    async def test_disconnect(self, start: Start) -> None:
        """The operator turns a player out for good: stock pages do not come back."""
        client = await start(rest_api=True, admin_token=TOKEN)
        streamer, player, player_id = await client.pair()
        url = client.running.http(f"/api/players/{player_id}")
        async with client.http.delete(url) as response:
            assert response.status == 401
        async with client.http.delete(url, headers=AS_ADMIN) as response:
            assert response.status == 204
        assert (await player.closed())[0] == CloseCode.GOING_AWAY
        await streamer.hear_type("playerDisconnected")
        async with client.http.delete(url, headers=AS_ADMIN) as response:
            assert response.status == 404

    async def test_other_methods(self, start: Start) -> None:
        """A method that a path does not take is told those it takes."""
        client = await start(rest_api=True)
        async with client.http.put(client.running.http("/api/players/x")) as response:
            assert response.status == 405
            assert response.headers["Allow"] == "GET, DELETE, HEAD, OPTIONS"
            assert (await response.json())["error"]["code"] == "method_not_allowed"
        async with client.http.head(client.running.http("/api/status")) as response:
            assert response.status == 200
