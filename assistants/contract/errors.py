"""The API's error format and its own error messages, one function each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assistants.contract.base import Wire

PREFIXES = {
    "assistant": "asst",
    "thread": "thread",
    "message": "msg",
    "run": "run",
    "step": "step",
    "file": "file",
    "upload": "upload",
    "part": "part",
    "vector_store": "vs",
    "batch": "vsfb",
}
BETA_HEADER = "OpenAI-Beta"
BETA = "assistants=v2"


class ErrorDetail(Wire):
    """What went wrong, and with which parameter."""

    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None


class ErrorBody(Wire):
    """The body of an error response."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Failure:
    """An error with its HTTP status."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"

    def detail(self) -> ErrorDetail:
        return ErrorDetail(message=self.message, type=self.type, param=self.param, code=self.code)

    def body(self) -> ErrorBody:
        return ErrorBody(error=self.detail())


def beta_header_missing() -> Failure:
    return Failure(
        400,
        f"You must provide the '{BETA_HEADER}' header to access the Assistants API. "
        f"Please try again by setting the header '{BETA_HEADER}: {BETA}'.",
        code="invalid_beta",
    )


def no_key() -> Failure:
    return Failure(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
    )


def wrong_key() -> Failure:
    return Failure(401, "Incorrect API key provided.", code="invalid_api_key")


def no_such(kind: str, id_: str) -> Failure:
    """`kind` is assistant, thread, message, run, run step, upload, vector store or file batch."""
    return Failure(404, f"No {kind} found with id '{id_}'.")


def no_such_file(id_: str) -> Failure:
    return Failure(404, f"No such File object: {id_}", param="id")


def no_such_model(id_: str) -> Failure:
    return Failure(404, f"The model '{id_}' does not exist", code="model_not_found", param="model")


def no_such_route(method: str, path: str) -> Failure:
    return Failure(404, f"Invalid URL ({method} {path})", code="unknown_url")


def wrong_prefix(parameter: str, value: str, prefix: str) -> Failure:
    return Failure(
        400,
        f"Invalid '{parameter}': '{value}'. Expected an ID that begins with '{prefix}'.",
        code="invalid_value",
        param=parameter,
    )


def messages_locked(thread_id: str, run_id: str) -> Failure:
    return Failure(400, f"Can't add messages to {thread_id} while a run {run_id} is active.")


def thread_busy(thread_id: str, run_id: str) -> Failure:
    return Failure(400, f"Thread {thread_id} already has an active run {run_id}.")


def no_outputs_wanted(status: str) -> Failure:
    return Failure(400, f'Runs in status "{status}" do not accept tool outputs.')


def outputs_missing(expected: Iterable[str], got: Iterable[str]) -> Failure:
    return Failure(400, f"Expected tool outputs for call_ids {list(expected)}, got {list(got)}")


def cannot_cancel(status: str) -> Failure:
    return Failure(400, f"Cannot cancel run with status '{status}'.")


def model_not_allowed(model: str) -> Failure:
    return Failure(
        400,
        f"The requested model '{model}' cannot be used with the Assistants API.",
        code="unsupported_model",
        param="model",
    )


def missing_parameter(name: str) -> Failure:
    return Failure(400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name)


def unknown_parameter(name: str) -> Failure:
    return Failure(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)


def invalid(name: str, why: str, *, code: str = "invalid_value") -> Failure:
    """`Invalid 'NAME': WHY.` with one of the API's codes."""
    return Failure(400, f"Invalid '{name}': {why}.", code=code, param=name)


def not_json() -> Failure:
    return Failure(400, "We could not parse the JSON body of your request. Expected a JSON object.")


def rate_limited(seconds: float) -> Failure:
    return Failure(
        429,
        f"Rate limit is exceeded. Try again in {seconds:g} seconds.",
        code="rate_limit_exceeded",
        type="requests",
    )


def server_failed() -> Failure:
    return Failure(500, "The server had an error while processing your request. Sorry about that!", type="server_error")


_LOCKED = (
    re.compile(r"^Can't add messages to \S+ while a run (?P<run>\S+) is active"),
    re.compile(r"^Thread \S+ already has an active run (?P<run>\S+?)\.?$"),
)
_WRONG_STATE = (
    re.compile(r"^Runs in status \"(?P<status>\w+)\" do not accept tool outputs"),
    re.compile(r"^Cannot cancel run with status '(?P<status>\w+)'"),
)


def locking_run(message: str) -> str | None:
    """Return the run that locks the thread, if this is that error."""
    return _first(_LOCKED, message, "run")


def refused_status(message: str) -> str | None:
    """Return the run's status, if this is the wrong-status error."""
    return _first(_WRONG_STATE, message, "status")


def _first(patterns: Iterable[re.Pattern[str]], message: str, group: str) -> str | None:
    found: Any = next((match for pattern in patterns if (match := pattern.search(message))), None)
    return str(found[group]) if found else None
