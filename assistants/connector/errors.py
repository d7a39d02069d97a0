"""Errors of the client, grouped by what a caller can do about them.

AssistantsError
├── ConnectError            the server was not reached; nothing was done
│   └── CircuitOpenError    the circuit breaker is open; nothing was sent
├── OutcomeUnknown          a creating request got no clear answer: check whether the object exists
├── DisconnectedError       the connection broke after the request was sent; the outcome is unknown
├── RequestTimeoutError     no response in time; the outcome is unknown
├── ProtocolError           the response is not from an Assistants API
├── StreamBroken            a stream ended early: poll its run
│   └── StreamFailedError   the server said why
└── StatusError             the server refused
    ├── BadRequestError     400, or refused by the client before sending
    │   ├── ThreadLockedError       a run is active on the thread
    │   └── RunInWrongStateError    the run's status does not allow it
    ├── UnauthorizedError   401
    ├── ForbiddenError      403
    ├── NotFoundError       404
    ├── ConflictError       409
    ├── UnprocessableError  422
    ├── RateLimitedError    429
    └── ServerError         5xx
"""

_RETRYABLE = (408, 409, 429)


class AssistantsError(Exception):
    """The text is a sentence for people; `retryable` says whether the same call may succeed later.

    `retry_after` is how many seconds the server asks to wait first, if it does.
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
    """The request was never sent, so a retry is safe."""

    retryable = True


class CircuitOpenError(ConnectError):
    """`retry_after` is when the server will be tried again."""


class OutcomeUnknown(AssistantsError):
    """A blind retry might create the object twice. `error` is the cause, `key` the idempotency key."""

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
    """The base URL leads to something else, or to a server that deviates too far from the API."""


class StreamBroken(AssistantsError):
    """The run continues on the server; `run_id` is None if the stream broke before the run was known."""

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
        # The server's own `x-should-retry`.
        self.told: bool | None = None


class BadRequestError(StatusError):
    """The API does not accept the request."""


class ThreadLockedError(BadRequestError):
    """`run_id` is the thread's active run; the same call succeeds once that has ended."""

    run_id: str | None = None


class RunInWrongStateError(BadRequestError):
    """`run_status` is the run's status."""

    run_status: str | None = None


class UnauthorizedError(StatusError):
    """The server does not accept the key."""


class ForbiddenError(StatusError):
    """The key may not do this."""


class NotFoundError(StatusError):
    """The object does not exist, or no longer."""


class ConflictError(StatusError):
    """Something else happened at the same time."""


class UnprocessableError(StatusError):
    """The server understood the request but does not accept it."""


class RateLimitedError(StatusError):
    """Too many requests."""


class ServerError(StatusError):
    """The server failed."""
