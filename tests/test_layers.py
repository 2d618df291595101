"""The imports form a line: nobody reaches back, and packages do not know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES = ("signalling", "matchmaker", "rag", "ue5_config", "stores")

SIGNALLING = (
    {"errors", "files"},
    {"messages", "resume_token"},
    {"dialect", "metrics"},
    {"registry", "ice", "directory"},
    {"admission"},
    {"session"},
    {"streamer_session"},
    {"handlers", "runner", "keepalive", "inline", "resume"},
    {"transport"},
    {"endpoint", "page", "health"},
    {"app"},
    {"serve"},
    {"demo"},
    {"__main__"},
)
"""The modules of the server, lowest first; each imports only from rows above its own."""

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


def test_the_server_is_a_line() -> None:
    """A module of the server imports only from the modules below it."""
    rank = {name: row for row, names in enumerate(SIGNALLING) for name in names}
    for name, row in rank.items():
        for imported in imports_of(ROOT / "signalling" / f"{name}.py"):
            parts = imported.split(".")
            if parts[0] == "signalling" and len(parts) > 1 and parts[1] in rank:
                below = rank[parts[1]] < row or parts[1] == name
                assert below, f"{name} imports {parts[1]}, which is not below it"


@pytest.mark.parametrize("library", OUTSIDE)
def test_outside_libraries_stay_in_their_packages(library: str) -> None:
    """An outside library is known to the packages that adapt it and to no other."""
    for package in set(PACKAGES) - OUTSIDE[library]:
        for path in files_of(package):
            tops = {name.partition(".")[0] for name in imports_of(path)}
            assert library not in tops, f"{path.relative_to(ROOT)} imports {library}"


def test_aiortc_stays_with_the_peers() -> None:
    """The server runs without WebRTC: only the peers import it."""
    for path in (ROOT / "signalling").glob("*.py"):
        tops = {name.partition(".")[0] for name in imports_of(path)}
        assert not tops & {"aiortc", "aioice", "av", "numpy", "PIL"}, path.name
