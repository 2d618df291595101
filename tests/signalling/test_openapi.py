"""The document at /api/api-definition: what it says is what is served."""

import re
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.signalling.peers import Client, Json, Start
from tests.signalling.sessions import ADMIN, asked, instance

PAGES = {"/admin", "/admin/{}", "/demo/images/{}", "/{}"}
"""What is served for people."""

IMPLIED = {"HEAD", "OPTIONS", "*"}


async def definition(client: Client, path: str = "/api/api-definition") -> Json:
    """Return the document."""
    async with client.http.get(client.running.http(path)) as response:
        assert response.status == 200
        document: Json = await response.json()
        return document


def served(app: web.Application) -> set[tuple[str, str]]:
    """Return the methods and paths that an application answers."""
    return {
        (route.method, shape(route.resource.canonical))
        for route in app.router.routes()
        if route.resource is not None and route.method not in IMPLIED
    }


def shape(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


READ = [
    *("/api/status", "/api/config", "/api/streamers", "/api/players", "/api/sessions"),
    *(
        "/api/hosts",
        "/api/queue",
        "/api/scale",
        "/api/chat",
        "/api/guests",
        "/health",
        "/health/ready",
    ),
]

EVERYTHING: dict[str, Any] = {
    "rest_api": True,
    "matchmaking": True,
    "retrieval": True,
    "matchmaker_port": 0,
    "admin_token": "letmein",
}


@pytest.mark.parametrize(
    "options", [{"rest_api": True}, {"rest_api": True, "matchmaking": True}, EVERYTHING]
)
async def test_every_route_is_described_and_nothing_else(
    start: Start, options: dict[str, Any]
) -> None:
    """The document is valid in others' eyes, whatever is switched on."""
    client = await start(**options)
    document = await definition(client)
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (method.upper(), shape(path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    routes = served(client.server.player_app())
    assert described == {route for route in routes if route[1] not in PAGES}


async def test_it_is_readable_when_reading_is_closed(start: Start) -> None:
    """It says below which path everything is, and holds no secret."""
    client = await start(rest_api=True, admin_token="letmein", base_path="/stream")
    document = await definition(client, "/stream/api/api-definition")
    assert document["servers"] == [{"url": "/stream/"}]


@pytest.mark.parametrize("path", READ)
async def test_answers_are_as_described(start: Start, path: str) -> None:
    """With a streamer, one who plays and one who waits, every answer fits its schema."""
    client = await start(rest_api=True, matchmaking=True, admin_token="letmein")
    await instance(client)
    for _ in range(2):
        await (await asked(client)).hear()
    operation = (await definition(client))["paths"][path]["get"]
    async with client.http.get(client.running.http(path), headers=ADMIN) as response:
        check(await definition(client), operation, 200, await response.json())


async def test_a_session_is_as_described(start: Start) -> None:
    """What is asked for, what is answered, and the error of a stranger fit their schemas."""
    client = await start(rest_api=True, matchmaking=True, admin_token="letmein")
    document = await definition(client)
    body = {"userId": "alice", "region": "eu", "requirements": {"gpu": "l4"}, "priority": 0}
    ask = document["paths"]["/api/sessions"]["post"]
    described = ask["requestBody"]["content"]["application/json"]["schema"]
    validator(document, described).validate(body)
    url = client.running.http("/api/sessions")
    async with client.http.post(url, json=body, headers=ADMIN) as response:
        session = await response.json()
        check(document, ask, response.status, session)
    read = document["paths"]["/api/sessions/{id}"]["get"]
    async with client.http.get(f"{url}/{session['sessionId']}") as response:
        assert response.status == 404
        check(document, read, response.status, await response.json())


def check(document: Json, operation: Json, status: int, answer: Any) -> None:
    """Assert that an answer is what an operation promises for a status."""
    content = operation["responses"][str(status)]["content"]
    validator(document, content["application/json"]["schema"]).validate(answer)


def validator(document: Json, schema: Json) -> Draft202012Validator:
    """Return a validator of a schema that refers to the document's components."""
    return Draft202012Validator({**schema, "components": document["components"]})
