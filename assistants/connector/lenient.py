"""Repairs JSON from servers that deviate from the contract, before the contract parses it."""

import json
from typing import Any, TypeVar, cast, get_args

from pydantic import ValidationError

from assistants.contract import ErrorDetail, Ranker, Wire

W = TypeVar("W", bound=Wire)

_TIMES = frozenset({"created", "created_at", "started_at", "expires_at", "expired_at", "cancelled_at"}) | frozenset(
    {"failed_at", "completed_at", "incomplete_at"}
)
_EMPTY: dict[str, Any] = {"metadata": {}, "tools": [], "content": [], "annotations": [], "data": [], "has_more": False}
_RANKERS = frozenset(get_args(Ranker))
_OPAQUE = frozenset({"metadata", "parameters", "schema"})  # other people's JSON, not the API's


def read(model: type[W], raw: bytes) -> W:
    """Parse an object, repairing it only if necessary. Raises ValueError for anything else."""
    try:
        # Called directly, as `model_validate_json` does, because streams parse many small pieces.
        return cast(W, model.__pydantic_validator__.validate_json(raw))
    except ValidationError:
        return model.model_validate(mend(json.loads(raw)))


def mend(value: Any) -> Any:
    """Return the JSON with known deviations of such servers corrected."""
    if isinstance(value, list):
        return [mend(item) for item in value]
    if not isinstance(value, dict):
        return value
    mended = {key: _field(key, item) for key, item in value.items()}
    if mended.get("object") == "thread.message":
        mended.setdefault("status", "completed")
    return mended


def _field(key: str, value: Any) -> Any:
    if value is None:
        return _EMPTY.get(key)
    if key in _TIMES and isinstance(value, float):
        return int(value)
    if key == "ranker" and value not in _RANKERS:
        return None  # one of the server's own
    return value if key in _OPAQUE else mend(value)


def error_detail(body: bytes) -> ErrorDetail | None:
    """Return the error in a response body of any known shape; None for a web page."""
    text = body.decode(errors="replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        return None if text[:1] == "<" else _plain(text)
    if isinstance(said, dict):
        said = said.get("error") or said
    return _structured(said) if isinstance(said, dict) else _plain(str(said))


def _plain(text: str) -> ErrorDetail:
    return ErrorDetail(message=text or "It gave no reason.", type="unknown")


def _structured(error: dict[str, Any]) -> ErrorDetail:
    message = error.get("message") or error.get("detail") or json.dumps(error)
    return ErrorDetail(
        message=message if isinstance(message, str) else json.dumps(message),
        type=str(error.get("type") or "unknown"),
        param=_text(error.get("param")),
        code=_text(error.get("code")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
