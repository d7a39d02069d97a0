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

_RETRYABLE = (408, 409, 429)


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


class OutcomeUnknown(AssistantsError):
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


class StreamBroken(AssistantsError):
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
