"""
What routes promise, as data, and the OpenAPI document made of it.

Source: the OpenAPI Specification 3.1.0.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import msgspec

from signalling.access.browser import USER_COOKIE
from signalling.error_body import ErrorBody
from signalling.messages import Json

OPENAPI_VERSION: Final = "3.1.0"

JSON_TYPE: Final = "application/json"

PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Access(Enum):
    """Who may use a route."""

    OPEN = "anybody"
    READ = "anybody, unless there is an admin token"
    USER = "whoever it is about, or the operator"
    ADMIN = "the operator"


REFUSALS: Final = {
    Access.OPEN: (),
    Access.READ: (401,),
    Access.USER: (401,),
    Access.ADMIN: (401, 403),
}

SECURITY: Final[dict[Access, list[dict[str, list[str]]]]] = {
    Access.READ: [{}, {"admin": []}],
    Access.USER: [{}, {"user": []}, {"cookie": []}, {"session": []}, {"admin": []}],
    Access.ADMIN: [{"admin": []}],
}

SCHEMES: Final[Json] = {
    "admin": {"type": "http", "scheme": "bearer", "description": "The admin token."},
    "user": {"type": "http", "scheme": "bearer", "description": "A player's token."},
    "session": {"type": "http", "scheme": "bearer", "description": "The session's token."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": USER_COOKIE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    name: str
    """A name for generated clients, in camelCase."""
    summary: str
    response: Any = None
    """The type of the body; None if there is no body."""
    status: int = 0
    """Of the answer when all is well; 0 is 200, or 204 without a body."""
    media: str = JSON_TYPE
    """What the body is written in."""
    description: str = "The answer."
    body: Any = None
    """The type of the request's body, if it takes one."""
    errors: tuple[int, ...] = ()
    access: Access = Access.READ
    parameters: tuple[tuple[str, str], ...] = ()
    """Names in the path, and what they are."""


def openapi(
    operations: Sequence[Operation], *, title: str, version: str, server: str = "/"
) -> Json:
    """Return an OpenAPI 3.1 document; *server* is the URL that the paths are below."""
    types = [ErrorBody, *_types(operations)]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: Json = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, by_type)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SCHEMES},
    }


def _types(operations: Sequence[Operation]) -> Iterator[Any]:
    for each in operations:
        yield from (kind for kind in (each.response, each.body) if kind is not None)


def _operation(operation: Operation, schemas: Json) -> Json:
    fault = _response("An error.", JSON_TYPE, schemas[repr(ErrorBody)])
    errors = (*REFUSALS[operation.access], *operation.errors)
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_parameter(n, operation) for n in PARAMETER.findall(operation.path)],
        "responses": {
            **_success(operation, schemas),
            **{str(status): fault for status in errors},
        },
    }
    if operation.body is not None:
        content = {JSON_TYPE: {"schema": schemas[repr(operation.body)]}}
        described["requestBody"] = {"content": content}
    if operation.access in SECURITY:
        described["security"] = SECURITY[operation.access]
    return described


def _success(operation: Operation, schemas: Json) -> Json:
    if operation.response is None:
        return {str(operation.status or 204): {"description": operation.description}}
    schema = schemas[repr(operation.response)]
    answer = _response(operation.description, operation.media, schema)
    return {str(operation.status or 200): answer}


def _response(description: str, media: str, schema: Json) -> Json:
    return {"description": description, "content": {media: {"schema": schema}}}


def _parameter(name: str, operation: Operation) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": dict(operation.parameters).get(name, name),
        "schema": {"type": "string", "minLength": 1},
    }
