"""What the player port answers over HTTP."""

from pathlib import Path

import pytest

from signalling.errors import CloseCode, OptionError
from signalling.http.page import page_from
from signalling.options.web import WebSettings
from tests.signalling.peers import Client, Start, eventually


async def status_and_text(client: Client, path: str, **options: object) -> tuple[int, str]:
    """Return what is answered at *path*, without following redirects."""
    url = client.running.http(path)
    async with client.http.get(url, allow_redirects=False, **options) as response:
        return response.status, await response.text()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with a page of the operator's."""
    root = tmp_path / "www"
    (root / "help").mkdir(parents=True)
    (root / "player.html").write_text("the player")
    (root / "help" / "index.html").write_text("the help")
    (root / ".env").write_text("secret")
    (tmp_path / "outside.html").write_text("secret")
    return root


class TestFiles:
    """Folders of the operator's."""

    async def test_homepage_and_files(self, start: Start, root: Path) -> None:
        """/ is the homepage, a folder is its index.html, behind a slash."""
        client = await start(http_root=root, homepage="player.html")
        assert await status_and_text(client, "/") == (200, "the player")
        assert await status_and_text(client, "/player.html") == (200, "the player")
        assert await status_and_text(client, "/help/") == (200, "the help")
        assert (await status_and_text(client, "/help"))[0] == 302

    async def test_homepage_that_nobody_named(self, start: Start, root: Path) -> None:
        """Epic's build of the page is found as it is; an index.html comes before it."""
        client = await start(http_root=root)
        assert await status_and_text(client, "/") == (200, "the player")
        (root / "index.html").write_text("the index")
        assert await status_and_text(client, "/") == (200, "the index")
        assert await status_and_text(client, "/player.html") == (200, "the player")

    @pytest.mark.parametrize(
        "path",
        [
            "/nothing.html",
            "/.env",
            "/%2e%2e/outside.html",
            "/help/..%2f../outside.html",
            "/%00",
        ],
    )
    async def test_nothing_else(self, start: Start, root: Path, path: str) -> None:
        """What is hidden, outside or nowhere is not found."""
        client = await start(http_root=root)
        assert (await status_and_text(client, path))[0] == 404

    async def test_additional_routes(self, start: Start, root: Path, tmp_path: Path) -> None:
        """More folders are served below their paths, the page's own files before them."""
        more = tmp_path / "more"
        more.mkdir()
        (more / "logo.txt").write_text("logo")
        (more / "player.html").write_text("another")
        client = await start(http_root=root, additional_routes={"/images": more, "/": more})
        assert await status_and_text(client, "/images/logo.txt") == (200, "logo")
        assert await status_and_text(client, "/logo.txt") == (200, "logo")
        assert await status_and_text(client, "/player.html") == (200, "the player")
        assert (await status_and_text(client, "/imageslogo.txt"))[0] == 404

    async def test_homepage_by_its_whole_path(self, start: Start, tmp_path: Path) -> None:
        """The homepage may stand elsewhere, as Cirrus's may."""
        (tmp_path / "own.html").write_text("my own")
        client = await start(homepage=str(tmp_path / "own.html"))
        assert await status_and_text(client, "/") == (200, "my own")

    @pytest.mark.parametrize("option", ["http_root", "additional_routes"])
    def test_folder_that_is_not_there(self, tmp_path: Path, option: str) -> None:
        """It is one line at the start instead of a 404 for every visitor."""
        missing = tmp_path / "nothing"
        value = missing if option == "http_root" else {"/images": missing}
        with pytest.raises(OptionError, match=f"^{option}: "):
            page_from(WebSettings(**{option: value}))

    async def test_no_page(self, start: Start) -> None:
        """Without `serve`, sockets are served, and pages refused."""
        client = await start(serve=False)
        await client.player()
        assert (await status_and_text(client, "/"))[0] == 426


class TestHeaders:
    """What browsers are told about the page."""

    async def headers(self, client: Client) -> dict[str, str]:
        """Return the headers of the homepage."""
        async with client.http.get(client.running.http("/")) as response:
            return dict(response.headers)

    async def test_own_page_has_no_policy_but_for_frames(
        self, start: Start, root: Path
    ) -> None:
        """Scripts of the operator's own page come from wherever it takes them."""
        client = await start(http_root=root, homepage="player.html")
        headers = await self.headers(client)
        assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"

    async def test_policy_and_frames_by_option(self, start: Start, root: Path) -> None:
        """Both are the operator's to say."""
        client = await start(
            http_root=root,
            homepage="player.html",
            frame_ancestors="https://a.example, https://b.example",
            content_security_policy="default-src 'self';",
        )
        policy = (await self.headers(client))["Content-Security-Policy"]
        assert policy == (
            "default-src 'self'; frame-ancestors https://a.example  https://b.example"
        )

    async def test_cors_is_off_by_default(self, client: Client) -> None:
        """Pages of other sites read nothing."""
        headers = {"Origin": "https://a.example"}
        async with client.http.get(client.running.http("/health"), headers=headers) as response:
            assert "Access-Control-Allow-Origin" not in response.headers

    @pytest.mark.parametrize(
        ("allowed", "origin", "answer"),
        [
            ("*", "https://a.example", "*"),
            ("https://a.example,https://b.example", "https://b.example", "https://b.example"),
            ("https://a.example", "https://a.example.evil", None),
        ],
    )
    async def test_cors(
        self, start: Start, allowed: str, origin: str, answer: str | None
    ) -> None:
        """Listed sites may read, also errors."""
        client = await start(cors=True, cors_allowed_origins=allowed, rest_api=True)
        headers = {"Origin": origin}
        url = client.running.http("/api/players/Nobody")
        async with client.http.get(url, headers=headers) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == answer

    async def test_preflight(self, start: Start) -> None:
        """A browser that asks first is told methods and headers, on every path."""
        client = await start(
            cors=True,
            cors_allowed_origins="https://a.example",
            cors_credentials=True,
            rest_api=True,
        )
        headers = {
            "Origin": "https://a.example",
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization, x-own",
        }
        for path in ("/api/players/x", "/anything"):
            url = client.running.http(path)
            async with client.http.options(url, headers=headers) as response:
                assert response.status == 204
                assert "DELETE" in response.headers["Access-Control-Allow-Methods"]
                assert (
                    response.headers["Access-Control-Allow-Headers"] == "authorization, x-own"
                )
                assert response.headers["Access-Control-Allow-Credentials"] == "true"
                assert response.headers["Vary"] == "Origin"

    async def test_preflight_for_listed_headers(self, start: Start) -> None:
        """Where headers are listed, nothing else is allowed."""
        client = await start(cors=True, cors_allowed_headers="Content-Type")
        headers = {
            "Origin": "https://a.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-own",
        }
        url = client.running.http("/anything")
        async with client.http.options(url, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"


class TestBasePath:
    """Below a sub-path of another site."""

    @pytest.mark.parametrize("prefix", ["/stream", ""])
    async def test_with_and_without(self, start: Start, root: Path, prefix: str) -> None:
        """Whether the proxy strips the path or not, everything is found."""
        client = await start(
            http_root=root, homepage="player.html", base_path="stream/", rest_api=True
        )
        assert await status_and_text(client, f"{prefix}/") == (200, "the player")
        assert await status_and_text(client, f"{prefix}/help/") == (200, "the help")
        assert (await status_and_text(client, f"{prefix}/health/ready"))[0] == 200
        assert (await status_and_text(client, f"{prefix}/api/status"))[0] == 200
        assert (await status_and_text(client, f"{prefix}/api/nothing"))[0] == 404
        socket = await client.http.ws_connect(client.running.http(f"{prefix}/"))
        assert (await socket.receive_json())["type"] == "config"
        await socket.close()

    async def test_missing_slash(self, start: Start, root: Path) -> None:
        """The page's relative links need the slash; a socket does not."""
        client = await start(http_root=root, base_path="/stream")
        url = client.running.http("/stream?StreamerId=A")
        async with client.http.get(url, allow_redirects=False) as response:
            assert response.status == 302
            assert response.headers["Location"] == "/stream/?StreamerId=A"
        socket = await client.http.ws_connect(client.running.http("/stream"))
        assert (await socket.receive_json())["type"] == "config"
        await socket.close()


class TestCapacity:
    """`max_player_count`, over all players."""

    async def test_one_too_many(self, start: Start) -> None:
        """It is closed with 1013 and never counted; a place that gets free is given."""
        client = await start(max_player_count=1)
        first = await client.player()
        second = await client.connect("player")
        assert (await second.closed())[0] == CloseCode.OVERLOADED
        assert len(client.server.registry.players) == 1
        await first.socket.close()
        await eventually(lambda: not client.server.connections.count("player"))
        third = await client.player()
        await third.hears_nothing_before()

    async def test_streamers_are_not_players(self, start: Start) -> None:
        """Only players take places."""
        client = await start(max_player_count=1)
        await client.streamer("A")
        await client.connect("sfu")
        await client.player()


class TestProxy:
    """Behind a reverse proxy."""

    async def test_address(self, start: Start) -> None:
        """The address that is shown is the player's; a streamer's header is not believed."""
        client = await start(reverse_proxy=True, rest_api=True, streamer_token="s")
        headers = {"X-Forwarded-For": "6.6.6.6, 1.1.1.1"}
        await client.connect("player", headers=headers)
        streamer = await client.connect("streamer", "?token=s", headers=headers)
        await streamer.say("endpointId", id="Kiosk")
        await eventually(lambda: bool(client.server.registry.streamers))
        registry = client.server.registry
        assert [each.origin.address for each in registry.players.values()] == ["1.1.1.1"]
        assert registry.streamers["Kiosk"].origin.address == "127.0.0.1"
