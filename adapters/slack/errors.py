"""Converts Slack's errors to the adapter's: a sentence with the cure, and whether a retry can help."""

import contextlib
from collections.abc import Iterator

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.adapter import ConfigurationError, PlatformError

# Refusals that do not depend on the request; a retry can help.
_PASSING = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "accesslimited",
}
_CURES = {
    "not_in_channel": "invite the app to the channel",
    "channel_not_found": "invite the app to the channel",
    "missing_scope": "add the scope to the app and reinstall it",
    "invalid_auth": "the bot token was changed or revoked; set SLACK_BOT_TOKEN to the new one",
    "token_revoked": "the bot token was changed or revoked; set SLACK_BOT_TOKEN to the new one",
    "account_inactive": "the app was removed from the workspace; install it again",
}


class UncertainError(PlatformError):
    """No response came, so the request may have taken effect. Look before creating again."""


class RefusedError(PlatformError):
    """Slack refused a request; `code` is Slack's error code."""

    def __init__(self, message: str, *, code: str, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(message, retryable=retryable, retry_after=retry_after)
        self.code = code


@contextlib.contextmanager
def as_platform_errors(call: str) -> Iterator[None]:
    """Raise Slack's refusals and lost connections as `PlatformError`."""
    try:
        yield
    except SlackApiError as error:
        raise _refusal(call, error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UncertainError(f"Slack did not answer {call} ({type(error).__name__}).") from error


@contextlib.contextmanager
def as_configuration_errors(setting: str, cure: str) -> Iterator[None]:
    """Raise a refusal at start-up as a sentence that names the setting and what to do.

    A problem that may pass is raised as `PlatformError`.
    """
    try:
        yield
    except SlackApiError as error:
        refusal = _refusal("the first request", error)
        if refusal.retryable:
            raise refusal from None
        if code_of(error).startswith("HTTP 2"):
            raise ConfigurationError(
                "The server at SLACK_API_BASE_URL does not speak Slack's API; check the address."
            ) from None
        raise ConfigurationError(f"Slack refuses {setting} ({code_of(error)}): {cure}.") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        where = "check the network, and SLACK_API_BASE_URL if it is set"
        raise PlatformError(f"Slack cannot be reached ({type(error).__name__}): {where}.") from None


def code_of(error: SlackApiError) -> str:
    """Slack's error code, or the HTTP status if there is none."""
    if isinstance(error.response, str) or not isinstance(getattr(error.response, "data", None), dict):
        return f"HTTP {getattr(error.response, 'status_code', None) or getattr(error.response, 'status', 'unknown')}"
    return str(error.response.get("error", f"HTTP {error.response.status_code}"))


def _refusal(call: str, error: SlackApiError) -> PlatformError:
    code, status = code_of(error), _status(error)
    if status >= 500 or status == 0:
        return UncertainError(f"Slack answered {call} with {code}.")
    cure = f"; {_CURES[code]}" if code in _CURES else ""
    return RefusedError(
        f"Slack refused {call}: {code}{cure}.",
        code=code,
        retryable=code in _PASSING or status == 429,
        retry_after=_retry_after(error) if status == 429 else None,
    )


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", 0) or 0)


def _retry_after(error: SlackApiError) -> float | None:
    value = error.response.headers.get("Retry-After")
    return float(value) if value and str(value).isdigit() else None
