"""A typed asynchronous client for any Assistants API v2 server."""

from assistants.connector.accumulator import Accumulator, Snapshot
from assistants.connector.breaker import CircuitBreaker
from assistants.connector.client import AssistantsClient
from assistants.connector.errors import (
    AssistantsError,
    BadRequestError,
    CircuitOpenError,
    ConflictError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknown,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    RunInWrongStateError,
    ServerError,
    StatusError,
    StreamBroken,
    StreamFailedError,
    ThreadLockedError,
    UnauthorizedError,
    UnprocessableError,
)
from assistants.connector.files import FileContent
from assistants.connector.functions import Described, FunctionFailedError
from assistants.connector.once import once
from assistants.connector.options import AssistantChanges, AssistantInput, AssistantOptions, MessageInput, RunOptions
from assistants.connector.pages import Pages
from assistants.connector.streams import RunStream
from assistants.connector.tools import Toolbox

__all__ = [
    "Accumulator",
    "AssistantChanges",
    "AssistantInput",
    "AssistantOptions",
    "AssistantsClient",
    "AssistantsError",
    "BadRequestError",
    "CircuitBreaker",
    "CircuitOpenError",
    "ConflictError",
    "ConnectError",
    "Described",
    "DisconnectedError",
    "FileContent",
    "ForbiddenError",
    "FunctionFailedError",
    "MessageInput",
    "NotFoundError",
    "OutcomeUnknown",
    "Pages",
    "ProtocolError",
    "RateLimitedError",
    "RequestTimeoutError",
    "RunInWrongStateError",
    "RunOptions",
    "RunStream",
    "ServerError",
    "Snapshot",
    "StatusError",
    "StreamBroken",
    "StreamFailedError",
    "ThreadLockedError",
    "Toolbox",
    "UnauthorizedError",
    "UnprocessableError",
    "once",
]
