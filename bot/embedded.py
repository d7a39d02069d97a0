"""Runs the Assistants service in this process: its models, its API, and the endpoint connected on the page."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Self

import dotenv
import structlog
from starlette.types import ASGIApp

from assistants.connector import AssistantsClient
from assistants.service.app import create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.demo_model import MODEL_NAME, SmallTalk
from assistants.service.discovery import discover
from assistants.service.endpoints import Endpoint, EndpointError, try_endpoint
from assistants.service.guard import Guard, Rules
from assistants.service.keys import Keys
from assistants.service.meaning import why_not
from assistants.service.measures import Traits
from assistants.service.models import Models
from assistants.service.tools.interpreter import CodeInterpreter
from assistants.service.tour import MODEL_NAME as TOUR
from assistants.service.tour import tour_model
from assistants.service.transfer import put as bring_in
from assistants.service.transfer import take as take_out
from assistants.service.weights import Weights
from bot.adapter import ConfigurationError
from bot.configuration import ModelConfig
from bot.logs import hide
from bot.resources import embedder_of, endpoint_of, limits_of, named_endpoint, sandbox_of
from bot.settings import ENV_FILE, Settings
from bot.views import FoundEndpoint, ModelStatus
from storage.database import Database

__all__ = ["TOUR", "Embedded", "bring_in", "take_out"]

# The models that need no endpoint and do not exist on other servers.
BUILT_IN = (TOUR, MODEL_NAME)
HERE = "http://threadline.internal/v1"
SAVED = ("MODEL_BASE_URL", "MODEL_API_KEY", "MODEL")

log = structlog.get_logger()


class Embedded:
    """The service and its models, and the page's `ModelDesk`. Entering the async context resumes interrupted runs."""

    def __init__(
        self, db: Database, settings: Settings, models: Mapping[str, ModelConfig], *, open_here: bool = False
    ) -> None:
        self._settings = settings
        self._weights = Weights(settings.data_dir)
        self._small_talk = SmallTalk(self._weights)
        self._models = Models()
        self._models.register(TOUR, tour_model(), Traits(does_without=True))
        self._models.register(MODEL_NAME, ChatCompletions(self._small_talk.endpoint))
        for name, configured in models.items():
            self._register(name, configured)
        code = CodeInterpreter(db, limits_of(settings), sandbox=sandbox_of(settings))
        self._embedder = embedder_of(settings)
        useful = self._embedder if why_not() is None else None
        self._service = create_service(db, self._models, code, embedder=useful)
        rules = Rules(settings.api_requests_per_minute, open=open_here)
        self._guarded = Guard(self._service.app, Keys(db, settings.api_keys), rules)
        self._endpoint: Endpoint | None = None
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        if settings.model_base_url:
            self._use(endpoint_of(settings))

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._small_talk.close)
        self._stack.push_async_callback(self._service.stop)
        await self._service.start()
        self._say_how_files_are_searched()
        telling = asyncio.create_task(self._tell_progress(), name="weights-progress")
        self._stack.callback(telling.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def api(self) -> ASGIApp:
        """The API with its guard."""
        return self._guarded

    def client(self) -> AssistantsClient:
        """A connector that reaches the service inside the process."""
        return AssistantsClient(HERE, transport=LocalTransport(self._service.app), honours_idempotency_keys=True)

    def has(self, model: str) -> bool:
        """Return whether a model of this name can answer now. Any name that is not built in goes to the endpoint."""
        if model == MODEL_NAME:
            return self._small_talk.available() is None
        return self._models.has(model)

    async def leave(self) -> None:
        """Begin no more runs; those in progress may end within the grace."""
        await self._service.drain(self._settings.leaving_grace)

    def status(self) -> ModelStatus:
        progress = self._weights.progress
        unavailable = self._small_talk.available()
        return ModelStatus(
            connected=self._endpoint is not None,
            base_url=self._endpoint.base_url if self._endpoint else "",
            model=self._endpoint.model if self._endpoint else "",
            demo="unavailable" if unavailable else progress.state,
            demo_done=progress.done,
            demo_total=progress.total,
            demo_error=unavailable or progress.error,
        )

    async def watch(self) -> AsyncIterator[ModelStatus]:
        while True:
            changed = self._changed
            yield self.status()
            await changed.wait()

    async def discover(self) -> list[FoundEndpoint]:
        if not self._settings.model_discovery:
            return []
        return [FoundEndpoint(found.name, found.base_url, tuple(found.models)) for found in await discover()]

    async def connect(self, base_url: str, api_key: str, model: str) -> ModelStatus:
        if set_outside := [name for name in SAVED if name in os.environ]:
            names = ", ".join(set_outside)
            raise ConfigurationError(
                f"{names} is set in the environment, which takes precedence over this page; change it there."
            )
        hide(api_key)
        try:
            endpoint = await try_endpoint(Endpoint(base_url.strip(), api_key.strip(), model.strip()))
        except EndpointError as error:
            raise ConfigurationError(str(error)) from error
        try:
            await asyncio.to_thread(_save, endpoint)
        except OSError as error:
            raise ConfigurationError(
                f"The model works, but {ENV_FILE} cannot be written ({error.strerror}). Make it writable and try again."
            ) from None
        self._use(endpoint)
        log.info("model connected", base_url=endpoint.base_url, model=endpoint.model)
        return self.status()

    def _register(self, name: str, configured: ModelConfig) -> None:
        if name in BUILT_IN:
            raise ConfigurationError(f"models.{name}: a built-in model has this name; choose another.")
        endpoint = named_endpoint(name, configured)
        hide(endpoint.api_key)
        traits = Traits(configured.context, configured.vision, configured.tools)
        self._models.register(name, ChatCompletions(endpoint), traits, endpoint=endpoint.name, stands_in=True)

    def _use(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._models.connect(ChatCompletions(endpoint), endpoint.name)
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _say_how_files_are_searched(self) -> None:
        if self._embedder is None:
            log.info("file search matches words only: EMBEDDING_MODEL is not set")
        elif reason := why_not():
            log.warning("file search matches words only", reason=reason)

    async def _tell_progress(self) -> None:
        async for _ in self._weights.watch():
            self._tell()


def _save(endpoint: Endpoint) -> None:
    """Save the endpoint for the next start, in a file that only its owner can read."""
    ENV_FILE.touch(mode=0o600)
    ENV_FILE.chmod(0o600)
    for name, value in zip(SAVED, (endpoint.base_url, endpoint.api_key, endpoint.model), strict=True):
        dotenv.set_key(ENV_FILE, name, value, quote_mode="auto")
