"""The options of Epic's servers, as their installations have them."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from signalling.errors import OptionError
from signalling.serve import settings_from
from signalling.settings import ServeSettings

WILBUR = {
    "log_folder": "logs",
    "log_level_console": "info",
    "log_level_file": "warning",
    "console_messages": "verbose",
    "streamer_port": "8888",
    "player_port": "8080",
    "sfu_port": "8889",
    "max_players": "3",
    "player_keepalive_timeout": "30000",
    "serve": True,
    "http_root": "www",
    "homepage": "player.html",
    "https": False,
    "https_port": 443,
    "ssl_key_path": "certificates/client-key.pem",
    "ssl_cert_path": "certificates/client-cert.pem",
    "https_redirect": False,
    "rest_api": True,
    "cors": True,
    "cors_allowed_origins": "",
    "cors_allowed_methods": "",
    "cors_allowed_headers": "",
    "cors_credentials": False,
    "peer_options": "",
    "peer_options_file": "",
    "turn_secret": "",
    "turn_secret_file": "",
    "turn_ttl": "86400",
    "player_token": "",
    "player_token_file": "",
    "streamer_token": "",
    "streamer_token_file": "",
    "reverse_proxy": False,
    "reverse_proxy_num_proxies": 1,
    "log_config": True,
    "stdin": False,
    "save": False,
}
"""What Wilbur's `--save` writes, strings and empty values included."""

CIRRUS = {
    "UseFrontend": False,
    "UseMatchmaker": False,
    "UseHTTPS": False,
    "HTTPSCertFile": "./certificates/client-cert.pem",
    "HTTPSKeyFile": "./certificates/client-key.pem",
    "LogToFile": True,
    "LogVerbose": True,
    "HomepageFile": "player.html",
    "AdditionalRoutes": {},
    "EnableWebserver": True,
    "MatchmakerAddress": "",
    "MatchmakerPort": 9999,
    "PublicIp": "localhost",
    "HttpPort": 8080,
    "HttpsPort": 443,
    "StreamerPort": 8888,
    "SFUPort": 8889,
    "MaxPlayerCount": -1,
    "DisableSSLCert": True,
}
"""What Cirrus writes when it has no config.json."""


def written(folder: Path, content: dict[str, Any]) -> Path:
    """Return a configuration file with *content*."""
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def read(folder: Path, content: dict[str, Any], *arguments: str) -> ServeSettings:
    """Return the options of a start with *content* as configuration file."""
    return settings_from(["--config_file", str(written(folder, content)), *arguments])


class TestWilbur:
    """A config.json of Wilbur's."""

    def test_its_own_file_is_read_without_a_word(self, tmp_path: Path) -> None:
        """Every key is known, strings are numbers, and paths start at the file."""
        with capture_logs() as logs:
            settings = read(tmp_path, WILBUR)
        assert logs == []
        assert settings.player_port == 8080
        assert settings.max_players == 3
        assert settings.http_root == tmp_path / "www"
        assert settings.ssl_key_path == tmp_path / "certificates/client-key.pem"
        assert settings.log_folder == tmp_path / "logs"
        assert settings.peer_options_file is None
        assert settings.peer_options == {}
        assert settings.player_token is None
        assert settings.cors_allowed_origins == "*"
        assert settings.dialect == "wilbur"

    def test_names_its_save_gets_wrong(self, tmp_path: Path) -> None:
        """What Wilbur saves in camelCase is understood."""
        settings = read(tmp_path, {"reverseProxy": True, "reverseProxyNumProxies": "2"})
        assert settings.player_hops == 2

    @pytest.mark.parametrize(
        ("key", "value", "meant"),
        [
            ("player_keepalive_timeout", "0", 0),
            ("player_token", 12345678, "12345678"),
            ("max_players", "", 0),
            ("peer_options", None, {}),
            ("homepage", "", ""),
        ],
    )
    def test_values_it_takes(
        self, tmp_path: Path, key: str, value: object, meant: object
    ) -> None:
        """What is empty is the default, a token may be a number, and 0 switches off."""
        assert getattr(read(tmp_path, {key: value}), key) == meant

    @pytest.mark.parametrize(
        ("arguments", "https", "hops"),
        [
            (["--https_port", "8443"], True, 0),
            (["--https-port=8443"], True, 0),
            (["--https_port", "8443", "--no-https"], False, 0),
            (["--reverse-proxy-num-proxies", "2"], False, 2),
            (["--reverse-proxy"], False, 1),
        ],
    )
    def test_what_an_option_implies(
        self, arguments: list[str], *, https: bool, hops: int
    ) -> None:
        """On the command line a port switches HTTPS on, a number of proxies the proxies."""
        settings = settings_from(["--no_config", *arguments])
        assert (settings.https, settings.player_hops) == (https, hops)

    @pytest.mark.parametrize(
        ("arguments", "detail"),
        [
            (["--console_messages"], "basic"),
            (["--console_messages", "--serve"], "basic"),
            (["--console_messages", "formatted"], "formatted"),
            (["--console_messages=verbose"], "verbose"),
            ([], None),
        ],
    )
    def test_detail_may_be_left_out(self, arguments: list[str], detail: str | None) -> None:
        """An option whose value may be missing has one all the same."""
        assert settings_from(["--no_config", *arguments]).console_messages == detail

    def test_command_line_before_environment_before_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each place is asked in its turn."""
        monkeypatch.setenv("SIGNALLING_SFU_PORT", "2")
        monkeypatch.setenv("SIGNALLING_STREAMER_PORT", "2")
        ports = {"player_port": 3, "sfu_port": 3, "streamer_port": 3}
        settings = read(tmp_path, ports, "--streamer-port", "1")
        found = (settings.streamer_port, settings.sfu_port, settings.player_port)
        assert found == (1, 2, 3)


class TestCirrus:
    """A config.json of Cirrus's, and its command line."""

    def test_its_own_file_is_read_without_a_word(self, tmp_path: Path) -> None:
        """Every key is known, and the dialect is Cirrus's."""
        with capture_logs() as logs:
            settings = read(tmp_path, CIRRUS)
        assert logs == []
        assert settings.dialect == "cirrus"
        assert settings.player_port == 8080
        assert settings.max_player_count == -1
        assert settings.log_folder == tmp_path / "logs"
        assert settings.console_messages == "verbose"
        assert settings.http_root is None

    def test_https_redirects(self, tmp_path: Path) -> None:
        """UseHTTPS means both ports, the plain one redirecting."""
        settings = read(tmp_path, {"UseHTTPS": True, "HttpsPort": 8443})
        assert settings.https
        assert settings.https_redirect
        assert settings.https_port == 8443

    @pytest.mark.parametrize(("value", "https"), [(1, True), ("true", True), (0, False)])
    def test_what_is_on(self, tmp_path: Path, value: object, *, https: bool) -> None:
        """What is on for Cirrus never means plain HTTP here."""
        assert read(tmp_path, {"UseHTTPS": value}).https is https

    def test_what_is_neither_on_nor_off(self, tmp_path: Path) -> None:
        """A switch with another value is an error that names it."""
        with pytest.raises(OptionError, match=r"UseHTTPS.*'443'"):
            read(tmp_path, {"UseHTTPS": "443"})

    def test_mistakes_are_told_in_its_words(self, tmp_path: Path) -> None:
        """Who wrote HttpPort need not know what it is called here."""
        with pytest.raises(OptionError, match=r"^HttpPort: .*'http'"):
            read(tmp_path, {"HttpPort": "http"})
        with pytest.raises(OptionError, match=r"^SFUPort: .*'none'"):
            settings_from(["--no_config", "--SFUPort=none"])
        with pytest.raises(OptionError, match=r"^player_port: .*'http'"):
            read(tmp_path, {"player_port": "http", "MaxPlayerCount": 5})

    def test_its_folders_are_served(self, tmp_path: Path) -> None:
        """Public, images, scripts and custom_html are served where they are."""
        for name in ("Public", "images", "custom_html"):
            (tmp_path / name).mkdir()
        content = {**CIRRUS, "HomepageFile": "", "AdditionalRoutes": {"/docs": "manual"}}
        settings = read(tmp_path, content)
        assert settings.http_root == tmp_path / "Public"
        assert settings.homepage == "player.html"
        assert settings.additional_routes == {
            "/images": tmp_path / "images",
            "/": tmp_path / "custom_html",
            "/docs": tmp_path / "manual",
        }

    def test_its_matchmaker(self, tmp_path: Path) -> None:
        """A server that was registered with Epic's matchmaker stays so."""
        where = {"MatchmakerAddress": "10.0.0.9", "MatchmakerPort": "9998"}
        settings = read(tmp_path, {"UseMatchmaker": True, "PublicIp": "1.2.3.4", **where})
        assert settings.use_matchmaker
        assert (settings.matchmaker_address, settings.epic_matchmaker_port) == (
            "10.0.0.9",
            9998,
        )
        assert settings.public_ip == "1.2.3.4"

    def test_peer_options_are_a_string_of_json(self, tmp_path: Path) -> None:
        """Cirrus has them as JSON within JSON."""
        servers = {"iceServers": [{"urls": ["stun:127.0.0.1:3478"]}]}
        settings = read(tmp_path, {"peerConnectionOptions": json.dumps(servers)})
        assert settings.peer_options == servers

    def test_what_makes_no_sense_here_is_said(self, tmp_path: Path) -> None:
        """A key that asked for something that is not done is warned of, with the reason."""
        content = {"UseFrontend": True, "UseAuthentication": True, "FrontendUrl": ""}
        with capture_logs() as logs:
            read(tmp_path, content)
        assert [(entry["event"], entry["option"]) for entry in logs] == [
            ("option_without_effect", "UseFrontend"),
            ("option_without_effect", "UseAuthentication"),
        ]
        assert all(entry["reason"] for entry in logs)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--HttpPort", "8081", "--MaxPlayerCount=5", "--UseHTTPS", "--PublicIp", "1.2.3.4"],
            [
                "--UseHTTPS=true",
                "--HttpPort=8081",
                "--PublicIp=1.2.3.4",
                "--MaxPlayerCount",
                "5",
            ],
        ],
    )
    def test_its_command_line(self, arguments: list[str]) -> None:
        """Its keys are options of its command line, too."""
        settings = settings_from(["--no_config", *arguments])
        assert settings.player_port == 8081
        assert settings.max_player_count == 5
        assert settings.https
        assert settings.dialect == "cirrus"

    def test_its_name_for_the_file(self, tmp_path: Path) -> None:
        """Its option for another file is understood; a dialect that is named stays."""
        path = written(tmp_path, CIRRUS)
        settings = settings_from(["--configFile", str(path), "--dialect", "auto"])
        assert settings.player_port == 8080
        assert settings.dialect == "auto"


class TestMistakes:
    """What is wrong is said in one line."""

    def test_unknown_key(self, tmp_path: Path) -> None:
        """A key nobody knows is a warning that names the nearest one."""
        with capture_logs() as logs:
            read(tmp_path, {"player_prot": 1})
        assert logs[0]["event"] == "unknown_option"
        assert "'player_port'" in logs[0]["hint"]

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["--max_player_count", "-2"], "max_player_count"),
            (["--https=maybe"], "https"),
            (["--console_messages", "loud"], "console_messages"),
            (["--base_path", "/a{b}"], "base_path"),
            (["--frame_ancestors", "'self'; script-src *"], "frame_ancestors"),
            (["--cors", "--cors_credentials"], "cors_credentials"),
            (["--additional_routes", "{"], "additional_routes"),
            (["--reverse_proxy_num_proxies", "0"], "reverse_proxy_num_proxies"),
        ],
    )
    def test_wrong_value(self, arguments: list[str], named: str) -> None:
        """The line names the option."""
        with pytest.raises(OptionError, match=named) as caught:
            settings_from(["--no_config", *arguments])
        assert "\n" not in str(caught.value)
