"""
What Epic's servers call their options.

Cirrus (to UE 5.4) reads PascalCase keys from config.json and takes the same
names on its command line. Wilbur's names are ours; only what its `--save`
wrote under other names is listed here.
"""

import json
import typing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from signalling.errors import OptionError
from signalling.messages import Json

Translate = Callable[[Any], Json]
"""From a value of Epic's to the options of ours it stands for."""


def _as(name: str) -> Translate:
    return lambda value: {name: value}


def _switch(name: str, on: Json, off: Json) -> Translate:
    """Return what takes a value of Cirrus's *name* for on or off; 1 and "yes" are on, too."""

    def translate(value: Any) -> Json:
        try:
            return on if TypeAdapter(bool).validate_python(value) else off
        except ValidationError:
            raise OptionError(f"{name}: must be true or false (it is {value!r})") from None

    return translate


HTTPS: Final = {"https": True, "https_redirect": True}

CIRRUS: Final[Mapping[str, Translate]] = {
    "HttpPort": _as("player_port"),
    "HttpsPort": _as("https_port"),
    "StreamerPort": _as("streamer_port"),
    "SFUPort": _as("sfu_port"),
    "MaxPlayerCount": _as("max_player_count"),
    "EnableWebserver": _as("serve"),
    "HomepageFile": _as("homepage"),
    "AdditionalRoutes": _as("additional_routes"),
    # Cirrus with HTTPS always redirects.
    "UseHTTPS": _switch("UseHTTPS", HTTPS, dict.fromkeys(HTTPS, False)),
    "HTTPSCertFile": _as("ssl_cert_path"),
    "HTTPSKeyFile": _as("ssl_key_path"),
    "LogToFile": _switch("LogToFile", {"log_folder": "logs"}, {}),
    "LogVerbose": _switch("LogVerbose", {"console_messages": "verbose"}, {}),
    "peerConnectionOptions": _as("peer_options"),
    "UseMatchmaker": _as("use_matchmaker"),
    "MatchmakerAddress": _as("matchmaker_address"),
    "MatchmakerPort": _as("epic_matchmaker_port"),
    "MatchmakerRetryInterval": _as("matchmaker_retry_interval"),
    "PublicIp": _as("public_ip"),
}
"""Cirrus's keys and what they mean here."""

POINTLESS: Final[Mapping[str, str]] = {
    "UseAuthentication": "the login page is gone: players show a token, see `player_token`",
    "UseFrontend": "there is no separate program for the page",
    "FrontendUrl": "there is no separate program for the page",
    "DisableSSLCert": "this server asks no other server whose certificate could be wrong",
}
"""Cirrus's keys that nothing here corresponds to, and why."""

UNSET: Final = ("", None)
"""Values of any key that mean its default."""

INERT: Final = (False, *UNSET)
"""Values of pointless keys that asked for nothing in the first place."""

HARMLESS: Final = frozenset({"DisableSSLCert"})
"""Pointless keys that Cirrus's own file sets: nobody is warned of what nobody chose."""

WILBUR: Final[Mapping[str, str]] = {
    "reverseProxy": "reverse_proxy",
    "reverseProxyNumProxies": "reverse_proxy_num_proxies",
}
"""What Wilbur's `--save` calls options that it declares with hyphens."""

IMPLIED: Final[Mapping[str, str]] = {
    "https_port": "https",
    "reverse_proxy_num_proxies": "reverse_proxy",
}
"""Options that switch another one on when they are given on the command line."""

CIRRUS_FILE: Final = "configFile"
"""Cirrus's only option that config.json cannot hold."""

CIRRUS_PAGE: Final = "Public"
"""Where Cirrus looks for the page."""

CIRRUS_FOLDERS: Final[Mapping[str, str]] = {
    "/images": "images",
    "/scripts": "scripts",
    "/": "custom_html",
}
"""What else Cirrus serves if it is there."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A configuration file in our words."""

    values: Json = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    pointless: dict[str, str] = field(default_factory=dict)
    """Keys that do nothing here, and why."""
    called: Mapping[str, str] = field(default_factory=dict)
    """What the file calls our options, where it has another name for them."""


def translate(
    content: Mapping[str, Any], *, known: Mapping[str, FieldInfo], folder: Path
) -> Translated:
    """Return the options in *content*, a configuration file in *folder*."""
    result = Translated(called=called(content))
    if is_cirrus(content):
        result.values.update({"dialect": "cirrus", **_pages_of_cirrus(folder)})
    for key, value in content.items():
        if key in POINTLESS:
            _note_pointless(result, key, value)
            continue
        for name, translated in _options(key, value).items():
            if name not in known:
                result.unknown.append(name)
            elif translated not in UNSET:
                _put(result.values, name, _anchored(known[name], translated, folder))
    return _with_homepage(result, folder) if is_cirrus(content) else result


def called(names: Iterable[str]) -> dict[str, str]:
    """Return what Cirrus calls our options, by those of its keys that are among *names*."""
    return {option: key for key in names if key in CIRRUS for option in CIRRUS[key]("true")}


def is_cirrus(content: Mapping[str, Any]) -> bool:
    """Return whether a configuration file is one of Cirrus's."""
    return any(key in CIRRUS or key in POINTLESS for key in content)


def _options(key: str, value: Any) -> Json:
    if key in CIRRUS:
        return CIRRUS[key](value)
    return {WILBUR.get(key, key): value}


def _put(values: Json, name: str, value: Any) -> None:
    """Set an option; routes are added to those that Cirrus has anyway."""
    both_are_routes = isinstance(value, dict) and isinstance(values.get(name), dict)
    values[name] = {**values[name], **value} if both_are_routes else value


def _note_pointless(result: Translated, key: str, value: Any) -> None:
    if key not in HARMLESS and value not in INERT:
        result.pointless[key] = POINTLESS[key]


def _pages_of_cirrus(folder: Path) -> Json:
    values: Json = {}
    if (folder / CIRRUS_PAGE).is_dir():
        values.update(http_root=str(folder / CIRRUS_PAGE), homepage="player.html")
    routes = {
        prefix: str(folder / name)
        for prefix, name in CIRRUS_FOLDERS.items()
        if (folder / name).is_dir()
    }
    return {**values, "additional_routes": routes}


def _with_homepage(result: Translated, folder: Path) -> Translated:
    """Take a homepage that stands beside config.json, where Cirrus looks first."""
    homepage = result.values.get("homepage")
    if isinstance(homepage, str) and homepage and (folder / homepage).is_file():
        result.values["homepage"] = str(folder / homepage)
    return result


def _anchored(option: FieldInfo, value: Any, folder: Path) -> Any:
    """Return a relative path as one that starts at *folder*."""
    kinds = {option.annotation, *typing.get_args(option.annotation)}
    if Path not in kinds or not value:
        return value
    if isinstance(value, dict):
        return {name: str(folder / str(path)) for name, path in value.items()}
    return str(folder / value) if isinstance(value, str) else value


# The command line.


def from_arguments(arguments: Iterable[str]) -> list[str]:
    """Return *arguments* with Cirrus's names in ours, and with what Wilbur's imply."""
    given = list(arguments)
    words = list(_in_our_words(given))
    names = {word.removeprefix("--").partition("=")[0].replace("-", "_") for word in words}
    if "dialect" not in names and any(_is_cirrus_word(word) for word in given):
        words.append("--dialect=cirrus")
    for name, implied in IMPLIED.items():
        if name in names and not names & {implied, f"no_{implied}"}:
            words.append(f"--{implied}")
    return words


def _is_cirrus_word(word: str) -> bool:
    name = word.removeprefix("--").partition("=")[0]
    return word.startswith("--") and (name in CIRRUS or name in POINTLESS)


def _in_our_words(given: list[str]) -> Iterator[str]:
    rest = deque(given)
    while rest:
        word = rest.popleft()
        name, equals, value = word.removeprefix("--").partition("=")
        if not (_is_cirrus_word(word) or word.startswith(f"--{CIRRUS_FILE}")):
            yield word
            continue
        if not equals:
            value = rest.popleft() if rest and not rest[0].startswith("--") else "true"
        yield from _as_words(name, value)


def _as_words(name: str, value: str) -> Iterator[str]:
    if name == CIRRUS_FILE:
        yield f"--config_file={value}"
    elif name in CIRRUS:
        for option, translated in CIRRUS[name](value).items():
            yield f"--{option}={_as_word(translated)}"


def _as_word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
