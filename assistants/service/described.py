"""The service's own OpenAPI document."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from assistants.contract import ErrorBody

PATH = "/v1/openapi.json"


def describe(app: FastAPI) -> None:
    """Serve the document of all routes that the app has by now."""
    found: dict[str, Any] = {}

    @app.get(PATH, include_in_schema=False)
    async def document() -> JSONResponse:
        if not found:
            found.update(_document(app))
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
    for operations in described["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            answers.pop("422", None)
            answers["default"] = {"description": "Refused", "content": {"application/json": refused}}
    return described
