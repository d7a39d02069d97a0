"""What the settings name for the service to work with: endpoints, embeddings, the sandbox. Made, and tried out."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from assistants.service.embedding import EndpointEmbedder
from assistants.service.endpoints import Endpoint, EndpointError, try_endpoint
from assistants.service.meaning import why_not
from assistants.service.pieces import ModelError
from assistants.service.tools import Limits, Refused, Sandbox
from assistants.service.tools.bytecode import missing
from assistants.service.tools.limits import KIB, MIB
from bot.adapter import ConfigurationError
from bot.settings import Settings


async def check_model(settings: Settings) -> str | None:
    """What answers at the endpoint of the settings; None where they name none. Raises `ConfigurationError`."""
    if not settings.model_base_url:
        return None
    try:
        endpoint = await try_endpoint(endpoint_of(settings))
    except EndpointError as error:
        raise ConfigurationError(str(error)) from None
    return f"{endpoint.model} answers at {endpoint.base_url}."


async def check_embeddings(settings: Settings) -> str | None:
    """What gives embeddings; None where nothing is to. Raises `ConfigurationError`."""
    embedder = embedder_of(settings)
    if embedder is None:
        return None
    try:
        (vector,) = await embedder.embed(["OK"])
    except ModelError as error:
        raise ConfigurationError(f"EMBEDDING_MODEL: {error}") from None
    finally:
        await embedder.aclose()
    if reason := why_not():
        raise ConfigurationError(f"EMBEDDING_MODEL is of no use: {reason}")
    return f"{settings.embedding_model} gives embeddings of {len(vector)} numbers."


def embedder_of(settings: Settings) -> EndpointEmbedder | None:
    """What the settings name for file search. Raises `ConfigurationError` when they name half of it."""
    if not settings.embedding_model:
        return None
    own = settings.embedding_base_url
    base_url = own or settings.model_base_url
    key = (settings.embedding_api_key if own else settings.model_api_key).get_secret_value()
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise ConfigurationError("EMBEDDING_MODEL needs EMBEDDING_BASE_URL or MODEL_BASE_URL, like https://HOST/v1.")
    return EndpointEmbedder(Endpoint(base_url.rstrip("/"), key, settings.embedding_model))


async def check_sandbox(settings: Settings) -> str:
    """Which code can be run here. Raises `ConfigurationError` with the reason why none can, and the cure."""
    try:
        sandbox = await sandbox_of(settings)(limits_of(settings))
    except Refused as refused:
        raise ConfigurationError(str(refused)) from None
    lacks = missing()
    libraries = f"without {', '.join(lacks)} (extra `sandbox`)" if lacks else "with numpy, pandas and matplotlib"
    return f"bubblewrap stopped every canary: code can be run, {libraries}. {sandbox.held}"


def sandbox_of(settings: Settings) -> Callable[[Limits], Awaitable[Sandbox]]:
    """How the sandbox is opened, or refused where the operator wants it so."""
    return Sandbox.open if settings.sandbox == "auto" else _closed


def limits_of(settings: Settings) -> Limits:
    """How much code may use."""
    return Limits(
        wall=settings.sandbox_seconds,
        processor=settings.sandbox_processor_seconds,
        memory=settings.sandbox_memory_mib * MIB,
        disk=settings.sandbox_disk_mib * MIB,
        output=settings.sandbox_output_kib * KIB,
        idle=settings.sandbox_idle_seconds,
    )


async def _closed(_: Limits) -> Sandbox:
    raise Refused("SANDBOX is off.", "Set SANDBOX=auto and restart Threadline.")


def endpoint_of(settings: Settings) -> Endpoint:
    """The endpoint that the settings name. Raises `ConfigurationError` when they name half of one."""
    address = urlsplit(settings.model_base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigurationError("MODEL_BASE_URL must look like http://127.0.0.1:11434/v1.")
    if not settings.model:
        raise ConfigurationError("MODEL is missing: set it to the name of the model at MODEL_BASE_URL.")
    return Endpoint(settings.model_base_url.rstrip("/"), settings.model_api_key.get_secret_value(), settings.model)
