"""The composition root: builds every part of the program, connects and runs them, and shuts them down in order."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import structlog
from starlette.types import ASGIApp

from assistants.connector import AssistantsClient, AssistantsError
from bot.adapter import Adapter, ConfigurationError, ModelDesk, UserError
from bot.configuration import Configuration, elsewhere, load_configuration
from bot.core import Core
from bot.dispatch import Dispatcher
from bot.embedded import BUILT_IN, Embedded
from bot.functions.loading import load_functions
from bot.http import create_app
from bot.marks import Marks
from bot.port import Port
from bot.retention import Forgetting
from bot.roster import Roster
from bot.settings import Settings
from bot.stops import Stops
from bot.turns import Turns
from bot.unanswered import Unanswered
from bot.watch import Hub
from bot.watchdog import watchdog
from storage.database import Database
from storage.keys import any_valid
from storage.lock import serving
from storage.sqlite import SQLiteDatabase

RESTART_PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)
# Seconds that adapters have to stop listening before the shutdown goes on, which cancels them again.
FAREWELL = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wired:
    """The core and the parts that work with it."""

    core: Core
    dispatcher: Dispatcher
    hub: Hub
    stops: Stops
    unanswered: Unanswered


def wire_core(
    settings: Settings,
    db: Database,
    client: AssistantsClient,
    roster: Roster,
    adapters: Sequence[Adapter],
    *,
    models: ModelDesk | None,
) -> Wired:
    """Create the core for these adapters, and everything it works with."""
    by_name = {adapter.name: adapter for adapter in adapters}
    marks, stops, unanswered, hub = Marks(by_name), Stops(db), Unanswered(db), Hub()
    dispatcher = Dispatcher(db, Turns(db, client, roster, by_name, marks, stops))
    core = Core(
        settings=settings,
        db=db,
        client=client,
        roster=roster,
        dispatcher=dispatcher,
        adapters=by_name,
        hub=hub,
        marks=marks,
        stops=stops,
        unanswered=unanswered,
        models=models,
    )
    return Wired(core, dispatcher, hub, stops, unanswered)


class App:
    """The whole program except its port. Made by `build`."""

    def __init__(
        self,
        asgi: ASGIApp,
        core: Core,
        dispatcher: Dispatcher,
        adapters: Sequence[Adapter],
        hub: Hub,
        *,
        background: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    ) -> None:
        self.asgi = asgi
        self.core = core
        self._dispatcher = dispatcher
        self._adapters = adapters
        self._hub = hub
        self._background = background
        self._listeners: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        """Connect every platform for sending. Raises `ConfigurationError`."""
        for adapter in self._adapters:
            await adapter.connect()

    async def work(self) -> None:
        """Answer people until cancelled. Raises `ConfigurationError`."""
        async with asyncio.TaskGroup() as group:
            for work in (self._dispatcher.run, *self._background):
                group.create_task(work())
            self._listeners = [
                group.create_task(_listen(adapter, self.core), name=f"listen-{adapter.name}")
                for adapter in self._adapters
            ]

    async def leave(self) -> None:
        """Accept no more messages. Answers in progress may end within the grace, or continue after the next start."""
        log.info("leaving", grace=self.core.settings.leaving_grace)
        self.core.leave()
        for listener in self._listeners:
            listener.cancel()
        await self._dispatcher.leave(self.core.settings.leaving_grace)
        if self._listeners:
            # They may still be answering commands.
            _, deaf = await asyncio.wait(self._listeners, timeout=FAREWELL)
            for listener in deaf:
                log.warning("adapter does not stop", task=listener.get_name())

    def end_watching(self) -> None:
        """End the streams of all pages that watch a conversation, so that the port can close."""
        self._hub.close()


@contextlib.asynccontextmanager
async def build(settings: Settings, url: str, *, only: Sequence[str] = ()) -> AsyncIterator[App]:
    """Open the database, start the service and sync the assistants. `only` limits the adapters to these names.

    Raises `ConfigurationError` and `StorageError`.
    """
    configuration = configuration_of(settings)
    if settings.assistants_base_url:
        configuration = elsewhere(configuration, BUILT_IN, settings.model)
    folder = settings.threadline_config.parent
    functions = load_functions(configuration, folder)
    adapters = discover_adapters(settings, only)
    async with contextlib.AsyncExitStack() as stack:
        db = await stack.enter_async_context(_store(settings, url))
        embedded = (
            None
            if settings.assistants_base_url
            else await stack.enter_async_context(Embedded(db, settings, configuration.models))
        )
        client = await stack.enter_async_context(embedded.client() if embedded else _remote(settings))
        roster = Roster(db, configuration, embedded.has if embedded else _anything, functions, folder)
        try:
            await roster.sync(client)
        except AssistantsError as error:
            raise ConfigurationError(f"ASSISTANTS_BASE_URL: {error}") from error
        wired = wire_core(settings, db, client, roster, adapters, models=embedded)
        for adapter in adapters:
            stack.push_async_callback(adapter.close)
        routes = [route for adapter in adapters for route in adapter.routes(wired.core)]
        asgi = create_app(settings, routes=routes, api=embedded.api if embedded else None)
        background = (wired.stops.heed, wired.unanswered.run, Forgetting(db).run)
        yield App(asgi, wired.core, wired.dispatcher, adapters, wired.hub, background=background)


async def run(settings: Settings) -> None:
    """Serve the port and answer people until a signal comes. Raises `ConfigurationError` and `StorageError`."""
    async with Port.bind(settings) as port, build(settings, port.url) as app:
        await app.connect()
        if not settings.is_loopback and not settings.threadline_admin_token.get_secret_value():
            log.warning("the page refuses other machines: set THREADLINE_ADMIN_TOKEN and PUBLIC_URL to allow them")
        with watchdog(settings.watchdog_seconds):
            await port.serve(app.asgi, background=app.work, leave=app.leave, before_close=app.end_watching)


def reach(settings: Settings, *, only: Sequence[str]) -> contextlib.AbstractAsyncContextManager[str]:
    """Yield the address of the program that uses the database; if there is none, host one in this process."""
    running = serving(settings.database_path)
    if running is None:
        return hosted(settings, only=only)
    if not running.get("url"):
        raise UserError("Threadline is just starting; try again in a moment.")
    return contextlib.nullcontext(running["url"])


@contextlib.asynccontextmanager
async def hosted(settings: Settings, *, only: Sequence[str]) -> AsyncIterator[str]:
    """Run the program on a free loopback port during the block; yields its address."""
    settings = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    async with (
        Port.bind(settings) as port,
        build(settings, port.url, only=only) as app,
        port.answering(app.asgi, background=app.work, before_close=app.end_watching),
    ):
        yield port.url


async def serve(settings: Settings) -> None:
    """Serve only the Assistants API, until a signal comes. Without keys it serves loopback only."""
    configuration = configuration_of(settings)
    async with Port.bind(settings) as port, _store(settings, port.url) as db:
        if not settings.is_loopback and not settings.api_keys and not await any_valid(db):
            raise ConfigurationError(
                f"Other machines can reach {settings.host}: create a key with `threadline keys create`, "
                "set THREADLINE_API_KEYS, or leave HOST at 127.0.0.1."
            )
        async with Embedded(db, settings, configuration.models, open_here=settings.is_loopback) as embedded:
            await port.serve(create_app(settings, routes=[], api=embedded.api), leave=embedded.leave)


def configuration_of(settings: Settings) -> Configuration:
    """The configuration file that the settings name."""
    return load_configuration(settings.threadline_config, needed="threadline_config" in settings.model_fields_set)


def discover_adapters(settings: Settings, only: Sequence[str] = ()) -> list[Adapter]:
    """Every installed adapter that is configured, found by its entry point."""
    found: list[Adapter] = []
    for point in entry_points(group="threadline.adapters"):
        if only and point.name not in only:
            continue
        adapter: Adapter | None = point.load().from_settings(settings)
        if adapter is not None:
            found.append(adapter)
    return found


@contextlib.asynccontextmanager
async def _store(settings: Settings, url: str) -> AsyncIterator[Database]:
    db = await asyncio.to_thread(SQLiteDatabase.open, settings.database_path)
    db.announce(url)
    try:
        yield db
    finally:
        await db.close()


def _remote(settings: Settings) -> AssistantsClient:
    key = settings.assistants_api_key.get_secret_value() or None
    try:
        return AssistantsClient(settings.assistants_base_url, api_key=key)
    except ValueError as error:
        raise ConfigurationError(f"ASSISTANTS_BASE_URL: {error}") from None


def _anything(_: str) -> bool:
    """Another server knows its own models, so every name is accepted."""
    return True


async def _listen(adapter: Adapter, core: Core) -> None:
    """Keep an adapter listening: restart it after a failure, with growing pauses."""
    for pause in itertools.chain(RESTART_PAUSES, itertools.repeat(RESTART_PAUSES[-1])):
        try:
            await adapter.listen(core)
            return
        except ConfigurationError:
            raise
        except Exception:
            log.exception("adapter stopped listening", adapter=adapter.name, again_in=pause)
        await asyncio.sleep(pause)
