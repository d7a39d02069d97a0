"""Turns error responses and transport failures into this package's errors."""

import email.utils
import socket
import ssl
import time

import httpx

from assistants.connector import lenient
from assistants.connector.errors import (
    AssistantsError,
    BadRequestError,
    ConflictError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    RunInWrongStateError,
    ServerError,
    StatusError,
    ThreadLockedError,
    UnauthorizedError,
    UnprocessableError,
)
from assistants.contract import ErrorDetail, Failure, locking_run, refused_status

_EXCERPT = 80
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_WHY: dict[type[BaseException], str] = {
    ConnectionRefusedError: "nothing listens there",
    socket.gaierror: "its name is not known",
    ssl.SSLCertVerificationError: "its certificate is not trusted",
    ssl.SSLError: "it does not speak TLS as it should",
    httpx.PoolTimeout: "too many requests are under way",
    httpx.TimeoutException: "it did not answer in time",
}
_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}


def refused(failure: Failure) -> StatusError:
    """Return the error for a request that the contract forbids, in the server's words."""
    return _by_detail(failure.detail(), failure.status, failure.message, None)


def from_response(response: httpx.Response, *, host: str) -> AssistantsError:
    """Return the error for an unsuccessful response whose body has been read."""
    status, request_id = response.status_code, response.headers.get("x-request-id")
    if response.is_redirect:
        return ProtocolError(
            f"{host} points to {response.headers.get('location', 'another place')}; make that the base URL.",
            status=status,
            request_id=request_id,
        )
    detail = lenient.error_detail(response.content)
    if detail is None and status < 500:
        return not_spoken(response, host=host)
    detail = detail or ErrorDetail(message="It sent a web page instead of a reason.", type="server_error")
    error = _by_detail(detail, status, _sentence(status, detail.message, host), request_id)
    error.retry_after = asked_pause(response.headers)
    error.told = {"true": True, "false": False}.get(response.headers.get("x-should-retry", ""))
    if error.told is not None:
        error.retryable = error.told
    return error


def asked_pause(headers: httpx.Headers) -> float | None:
    """Return the seconds to wait by `retry-after-ms` or `retry-after`; the latter may be a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 < seconds < float("inf") else None
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return max(email.utils.mktime_tz(date) - time.time(), 0.0) or None if date else None


def from_transport(error: httpx.RequestError, *, host: str) -> AssistantsError:
    """Return the error for a request with no response, or a partial one."""
    if isinstance(error, httpx.DecodingError):
        return ProtocolError(f"{host} does not speak HTTP as it should: {error}. Check the base URL.")
    if isinstance(error, _NEVER_SENT):
        return ConnectError(f"Cannot reach the assistants server at {host}: {_why(error)}.")
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeoutError(f"The assistants server at {host} did not answer in time.")
    return DisconnectedError(f"The connection to the assistants server at {host} broke before it had answered.")


def not_spoken(response: httpx.Response, *, host: str) -> ProtocolError:
    """Return the error for a response that is not the Assistants API's."""
    kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
    return ProtocolError(
        f"{host} does not speak the Assistants API at {response.request.url.path}: "
        f"it answered {response.status_code} with {kind}, {excerpt(response.content)}. Check the base URL.",
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
    )


def excerpt(body: bytes) -> str:
    """Return the beginning of the response, on one line."""
    text = " ".join(body[: 4 * _EXCERPT].decode(errors="replace").split())
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…") if text else "an empty body"


def _why(error: BaseException) -> str:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    for kind, why in _WHY.items():
        if any(isinstance(link, kind) for link in chain):
            return why
    return str(error).strip().rstrip(".") or "the connection failed"


def _by_detail(detail: ErrorDetail, status: int, message: str, request_id: str | None) -> StatusError:
    run_id, run_status = locking_run(detail.message), refused_status(detail.message)
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, StatusError)
    kind = ThreadLockedError if run_id else RunInWrongStateError if run_status else kind
    error = kind(message, status=status, code=detail.code, param=detail.param, request_id=request_id)
    if isinstance(error, ThreadLockedError):
        error.run_id, error.retryable = run_id, True
    elif isinstance(error, RunInWrongStateError):
        error.run_status = run_status
    return error


def _sentence(status: int, message: str, host: str) -> str:
    if status == 401:
        return f"{host} does not accept the API key: {message}"
    if status == 403:
        return f"{host} does not allow this with the API key: {message}"
    if status == 429:
        return f"{host} asks for fewer requests: {message}"
    if status >= 500:
        return f"{host} failed ({status}): {message}"
    return message
