"""What can go wrong when one asks an assistants server, sorted by what a caller will do about it.

AssistantsError
├── ConnectError            the server was not reached: nothing was done
│   └── CircuitOpenError    it failed too often lately and was not asked
├── OutcomeUnknown          what was to create something got no clear answer: look whether it is there
├── DisconnectedError       the connection broke after the request was sent: what was done is unknown
├── RequestTimeoutError     no answer in time: what was done is unknown
├── ProtocolError           what answers there does not speak the Assistants API
├── StreamBroken            a stream that did not end as it should: poll its run
│   └── StreamFailedError   the server said why
└── StatusError             the server refused
    ├── BadRequestError     400, or refused here before it was sent
    │   ├── ThreadLockedError       a run is active on the thread
    │   └── RunInWrongStateError    too late, or too early, for this run
    ├── UnauthorizedError   401
    ├── ForbiddenError      403
    ├── NotFoundError       404
    ├── ConflictError       409
    ├── UnprocessableError  422
    ├── RateLimitedError    429
    └── ServerError         5xx
"""

import email.utils
import socket
import ssl
import time

import httpx

from assistants.connector import lenient
from assistants.contract import ErrorDetail, Failure, locking_run, refused_status

_RETRYABLE = (408, 409, 429)
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


class AssistantsError(Exception):
    """Its text is a sentence for a person; `retryable` says whether the same call may succeed later.

    `retry_after` is how many seconds the server asks to wait before that, where it does.
    """

    retryable = False
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.request_id = request_id


class ConnectError(AssistantsError):
    """The request was never sent, so that repeating it cannot do a thing twice."""

    retryable = True


class CircuitOpenError(ConnectError):
    """`retry_after` is when it will be asked again."""


class OutcomeUnknown(AssistantsError):  # noqa: N818 - a state to go on from rather than a mistake
    """Repeating the call blindly might create the thing twice. `error` is what happened, `key` the idempotency key."""

    def __init__(self, error: AssistantsError, *, key: str) -> None:
        super().__init__(
            f"{error} Whether it was done is not known: look before you ask for it again.",
            status=error.status,
            code=error.code,
            param=error.param,
            request_id=error.request_id,
        )
        self.error = error
        self.key = key
        self.retry_after = error.retry_after


class DisconnectedError(AssistantsError):
    """Look whether it was done before you repeat what creates something."""

    retryable = True


class RequestTimeoutError(AssistantsError, TimeoutError):
    """Look whether it was done before you repeat what creates something."""

    retryable = True


class ProtocolError(AssistantsError):
    """The base URL leads to something else, or to a server that deviates too far."""


class StreamBroken(AssistantsError):  # noqa: N818 - a state to go on from rather than a mistake
    """The run goes on at the server; `run_id` is None when the stream broke before the run was seen."""

    def __init__(
        self,
        message: str,
        *,
        thread_id: str | None = None,
        run_id: str | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, request_id=request_id)
        self.thread_id = thread_id
        self.run_id = run_id


class StreamFailedError(StreamBroken):
    """The stream carried an `error` event."""


class StatusError(AssistantsError):
    """The server's refusal; `code` and `param` are the API's."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, param=param, request_id=request_id)
        self.retryable = status in _RETRYABLE or status >= 500
        # What the server itself said about that, by `x-should-retry`.
        self.told: bool | None = None


class BadRequestError(StatusError):
    """The request is not one the API accepts."""


class ThreadLockedError(BadRequestError):
    """`run_id` is the run that holds the thread; once it has ended, the same call succeeds."""

    run_id: str | None = None


class RunInWrongStateError(BadRequestError):
    """`run_status` is the status the run is in."""

    run_status: str | None = None


class UnauthorizedError(StatusError):
    """The server does not accept the key."""


class ForbiddenError(StatusError):
    """The key may not do this."""


class NotFoundError(StatusError):
    """There is no such object, or no longer."""


class ConflictError(StatusError):
    """Something else happened at the same time."""


class UnprocessableError(StatusError):
    """The server understood the request and does not accept it."""


class RateLimitedError(StatusError):
    """Too many requests."""


class ServerError(StatusError):
    """The server failed."""


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
    """A request that the contract forbids, refused before it is sent, in the server's words."""
    return _by_detail(failure.detail(), failure.status, failure.message, None)


def from_response(response: httpx.Response, *, host: str) -> AssistantsError:
    """The error of an answer that is not a success; its body has been read."""
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
    """The seconds that `retry-after-ms` or `retry-after` asks to wait; the latter may be a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return seconds if 0 < seconds < float("inf") else None
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return max(email.utils.mktime_tz(date) - time.time(), 0.0) or None if date else None


def from_transport(error: httpx.RequestError, *, host: str) -> AssistantsError:
    """The error of a request that got no answer, or half of one."""
    if isinstance(error, httpx.DecodingError):
        return ProtocolError(f"{host} does not speak HTTP as it should: {error}. Check the base URL.")
    if isinstance(error, _NEVER_SENT):
        return ConnectError(f"Cannot reach the assistants server at {host}: {_why(error)}.")
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeoutError(f"The assistants server at {host} did not answer in time.")
    return DisconnectedError(f"The connection to the assistants server at {host} broke before it had answered.")


def not_spoken(response: httpx.Response, *, host: str) -> ProtocolError:
    """What came is not what the Assistants API answers."""
    kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
    return ProtocolError(
        f"{host} does not speak the Assistants API at {response.request.url.path}: "
        f"it answered {response.status_code} with {kind}, {excerpt(response.content)}. Check the base URL.",
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
    )


def excerpt(body: bytes) -> str:
    """The beginning of what came, on one line."""
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
