"""Outside libraries stay in the modules that adapt them."""

import ast
from pathlib import Path

import pytest

import matchmaker

ADAPTERS = {
    "aiohttp": {"http", "cirrus_http", "webhooks"},
    "redis": {"redis_feed", "mirror"},
    "jwt": {"tokens"},
    "tenacity": {"webhooks"},
    "pydantic": {"settings"},
}


@pytest.mark.parametrize("library", ADAPTERS)
def test_a_library_is_known_to_its_adapters_only(library: str) -> None:
    """The rules of who gets what know no transport, store or token library."""
    found = set()
    for path in Path(matchmaker.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if library in {name.partition(".")[0] for name in names}:
                found.add(path.stem)
    assert found == ADAPTERS[library]
