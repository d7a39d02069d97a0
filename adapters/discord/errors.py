"""Converts Discord's errors to the adapter's: a sentence with the cure, and whether a retry can help."""

import contextlib
from collections.abc import Iterator

import aiohttp
import discord

from bot.adapter import ConfigurationError, PlatformError

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
UNKNOWN_INTERACTION = 10062
TOO_MANY_OLD_EDITS = 30046
MISSING_ACCESS = 50001
MISSING_PERMISSIONS = 50013
INVALID_WEBHOOK_TOKEN = 50027
HAS_THREAD = 160004

APPLICATIONS = "https://discord.com/developers/applications"
# How long to send nothing after a Cloudflare ban that names no duration.
BARRED = 60.0

_PERMISSIONS = "View Channel, Send Messages, Create Public Threads, Send Messages in Threads and Read Message History"
_CURES = {
    UNKNOWN_CHANNEL: "it was deleted",
    MISSING_ACCESS: f"give the bot's role {_PERMISSIONS} there",
    MISSING_PERMISSIONS: f"give the bot's role {_PERMISSIONS} there",
}


class RefusedError(PlatformError):
    """Discord refused a request; `code` is Discord's error code, 0 if there is none."""

    def __init__(
        self, message: str, *, code: int = 0, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message, retryable=retryable, retry_after=retry_after)
        self.code = code


class BarredError(PlatformError):
    """Cloudflare, in front of Discord, has banned us for a while; every further request prolongs the ban."""


@contextlib.contextmanager
def as_platform_errors(doing: str) -> Iterator[None]:
    """Raise Discord's refusals and lost connections as `PlatformError`."""
    try:
        yield
    except discord.HTTPException as error:
        raise refusal(doing, error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise PlatformError(f"Discord did not answer ({type(error).__name__}) when we tried to {doing}.") from error


@contextlib.contextmanager
def as_configuration_errors() -> Iterator[None]:
    """Raise login errors that a retry cannot cure as a sentence with what to do, others as `PlatformError`."""
    try:
        yield
    except discord.LoginFailure:
        raise ConfigurationError(refused_token()) from None
    except (TypeError, KeyError) as error:
        # discord.py parses a body as JSON only if its type is exactly `application/json`; otherwise it fails here.
        where = "check DISCORD_API_BASE_URL, and that a proxy adds nothing to Content-Type: application/json"
        raise ConfigurationError(f"The server does not answer like Discord's API: {where}.") from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        where = "check the network, and DISCORD_API_BASE_URL if it is set"
        raise PlatformError(f"Discord cannot be reached ({type(error).__name__}): {where}.") from None


def refused_token() -> str:
    return (
        "Discord refuses DISCORD_TOKEN: press Reset Token on your application's page Bot"
        f" at {APPLICATIONS} and copy the new one."
    )


def refusal(doing: str, error: discord.HTTPException) -> PlatformError:
    """Discord's error response as a `PlatformError`."""
    if error.status == 429 and not error.response.headers.get("Via"):
        return BarredError(
            f"Cloudflare keeps us away from Discord for now (429) when we tried to {doing}.",
            retry_after=_retry_after(error) or BARRED,
        )
    cure = f"; {_CURES[error.code]}" if error.code in _CURES else ""
    words = " ".join(error.text.split())[:200]
    return RefusedError(
        f"Discord refused to {doing}: {words or 'HTTP'} ({error.code or error.status}){cure}.",
        code=error.code,
        retryable=error.status >= 500 or error.status == 429 or error.code == TOO_MANY_OLD_EDITS,
        retry_after=_retry_after(error),
    )


def _retry_after(error: discord.HTTPException) -> float | None:
    value = error.response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return None
