"""How to ask an assistants server: the typed asynchronous client."""

from assistants.connector.client import AssistantsClient
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
    StreamBroken,
    StreamFailedError,
    ThreadLockedError,
    UnauthorizedError,
    UnprocessableError,
)
from assistants.connector.options import AssistantChanges, AssistantInput, AssistantOptions, MessageInput, RunOptions
from assistants.connector.pages import Pages
from assistants.connector.streams import RunStream

__all__ = [
    "AssistantChanges",
    "AssistantInput",
    "AssistantOptions",
    "AssistantsClient",
    "AssistantsError",
    "BadRequestError",
    "ConflictError",
    "ConnectError",
    "DisconnectedError",
    "ForbiddenError",
    "MessageInput",
    "NotFoundError",
    "Pages",
    "ProtocolError",
    "RateLimitedError",
    "RequestTimeoutError",
    "RunInWrongStateError",
    "RunOptions",
    "RunStream",
    "ServerError",
    "StatusError",
    "StreamBroken",
    "StreamFailedError",
    "ThreadLockedError",
    "UnauthorizedError",
    "UnprocessableError",
]
