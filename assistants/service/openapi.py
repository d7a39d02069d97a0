"""The service's own OpenAPI document."""

import asyncio
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from assistants.contract import BETA, BETA_HEADER, ErrorBody
from assistants.service.routes.common import LONGEST_KEY, ONCE_HEADER

PATH = "/v1/openapi.json"
BETA_PATHS = ("/v1/assistants", "/v1/threads")


def describe(app: FastAPI) -> None:
    """Serve the OpenAPI document of the app's current routes."""
    found: dict[str, Any] = {}

    @app.get(PATH, include_in_schema=False)
    async def document() -> JSONResponse:
        if not found:
            found.update(await asyncio.to_thread(_document, app))
        return JSONResponse(found)


def _document(app: FastAPI) -> dict[str, Any]:
    described = app.openapi()
    components = described.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"key": []}]
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["ErrorBody"] = schema
    refused = {"schema": {"$ref": "#/components/schemas/ErrorBody"}}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            operation.setdefault("parameters", []).extend(_headers(path, method))
            answers = operation["responses"]
            answers.pop("422", None)
            answers["default"] = {"description": "Refused", "content": {"application/json": refused}}
    return described


def _headers(path: str, method: str) -> list[dict[str, Any]]:
    """Return the header parameters that a route reads."""
    beta = path.startswith(BETA_PATHS)
    named: list[tuple[str, dict[str, Any], bool]] = [(BETA_HEADER, {"const": BETA}, True)] if beta else []
    named += [(ONCE_HEADER, {"maxLength": LONGEST_KEY}, False)] if method == "post" else []
    return [
        {"name": name, "in": "header", "required": required, "schema": {"type": "string", **schema}}
        for name, schema, required in named
    ]
