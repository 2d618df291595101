"""The imports form a line: nobody reaches back, and packages do not know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES = ("signalling", "matchmaker", "rag", "ue5_config", "stores")

SIGNALLING = (
    {"errors", "files", "http_log", "log_rate", "version"},
    {"messages", "resume_token", "error_body", "logs"},
    {"options"},
    {"dialect", "metrics", "loop_delay", "settings"},
    {"access"},
    {"registry", "ice", "directory", "disclosure", "http_guard", "openapi"},
    {"admission", "headcount"},
    {"session"},
    {"streamer_session"},
    {"handlers", "runner", "keepalive", "inline", "expiry", "message_log"},
    {"resume", "console"},
    {"transport", "refresh"},
    {"endpoint"},
    {"http", "chat", "guests", "matching"},
    {"contexts", "listening"},
    {"app"},
    {"serve", "peer"},
    {"demo", "options.reference"},
    {"__main__"},
)
"""Rooms and modules of the server, lowest first; each imports only from rows above its own."""

OUTSIDE = {
    "aiohttp": {"signalling", "matchmaker", "rag"},
    "redis": {"stores", "matchmaker"},
    "motor": {"stores"},
    "aiortc": {"signalling"},
    "openai": {"rag"},
    "pinecone": {"rag"},
}
"""Which packages may import an outside library."""


def imports_of(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that the file at *path* imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(package: str) -> list[Path]:
    """Return the sources of a package."""
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ["matchmaker", "rag", "ue5_config", "stores"])
def test_packages_do_not_know_each_other(package: str) -> None:
    """Only `signalling` joins packages; `stores` may be used by all."""
    allowed = {package, "stores"}
    for path in files_of(package):
        tops = {name.partition(".")[0] for name in imports_of(path)}
        foreign = tops & set(PACKAGES) - allowed
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


RANKS = {name: row for row, names in enumerate(SIGNALLING) for name in names}


def place_of(module: str) -> str | None:
    """Return the name in `SIGNALLING` that *module*, `signalling.room.name`, stands under."""
    parts = module.split(".")
    if parts[0] != "signalling":
        return None
    names = (".".join(parts[1:end]) for end in (3, 2))
    return next((name for name in names if name in RANKS), None)


def test_the_server_is_a_line() -> None:
    """A module of the server imports only from its own room and those below it."""
    for path in files_of("signalling"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        place = place_of(module)
        for imported in imports_of(path) if place else ():
            other = place_of(imported)
            below = other in {None, place} or RANKS[str(other)] < RANKS[str(place)]
            assert below, f"{module} imports {imported}, which is not below it"


def test_everything_has_its_place() -> None:
    """Every module of the server stands in the line."""
    for path in files_of("signalling"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert path.name == "__init__.py" or place_of(module), f"{module} is not in SIGNALLING"


def test_the_line_names_what_there_is() -> None:
    """A room or module that is gone leaves the line too."""
    for name in RANKS:
        path = ROOT / "signalling" / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


@pytest.mark.parametrize("library", OUTSIDE)
def test_outside_libraries_stay_in_their_packages(library: str) -> None:
    """An outside library is known to the packages that adapt it and to no other."""
    for package in set(PACKAGES) - OUTSIDE[library]:
        for path in files_of(package):
            tops = {name.partition(".")[0] for name in imports_of(path)}
            assert library not in tops, f"{path.relative_to(ROOT)} imports {library}"


def test_aiortc_stays_with_the_peers() -> None:
    """The server runs without WebRTC: only the peers import it."""
    peers = ROOT / "signalling" / "peer"
    for path in set(files_of("signalling")) - set(peers.glob("*.py")):
        tops = {name.partition(".")[0] for name in imports_of(path)}
        assert not tops & {"aiortc", "aioice", "av", "numpy", "PIL"}, path.name
