"""Logging: one line per event, with the id of its turn and without secrets."""

import json
import logging
import re
import sys

import structlog
from pydantic import SecretStr

from bot.settings import Settings

HIDDEN = "***"
# Some addresses contain secrets that a platform hands out at run time: tickets of sockets, tokens of interactions.
_IN_ADDRESSES = re.compile(
    r"""(?P<before>[?&](?:ticket|token)=|/(?:webhooks|interactions)/\d+/)(?P<secret>[^&/\s'"]+)""", re.IGNORECASE
)
# At DEBUG these libraries write what people say, and tokens.
_TALKATIVE = ("discord", "slack_bolt", "slack_sdk")


def configure_logs(settings: Settings, *, quiet: bool = False) -> None:
    """Send every log line, also those of libraries, through one formatter to standard error.

    A `quiet` program shares its terminal with a person, so only warnings and errors are shown.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(settings, shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING" if quiet and settings.log_level == "info" else settings.log_level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn", "uvicorn.error", "asyncio", "discord.client"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(max(root.level, logging.INFO))


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Formats a line, then hides every secret of the settings in it, also in tracebacks."""

    def __init__(self, settings: Settings, shared: list[structlog.types.Processor]) -> None:
        self._settings = settings
        tty = sys.stderr.isatty()
        render: list[structlog.types.Processor] = (
            [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
            if settings.log_format == "json"
            else [structlog.dev.ConsoleRenderer(colors=tty, exception_formatter=structlog.dev.plain_traceback)]
        )
        super().__init__(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record), secrets_of(self._settings))


_added: set[str] = set()


def hide(secret: str) -> None:
    """Hide a secret that was learnt while running, such as a key entered on the page."""
    if secret:
        _added.add(secret)


def secrets_of(settings: Settings) -> set[str]:
    """Every secret value of the settings; the keys of a list count one by one."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    held = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
    return {secret for secret in held | settings.api_keys | _added if secret}


def redacted(line: str, secrets: set[str]) -> str:
    """The line without these secrets (the longest first, so that no tail of one remains) and those in addresses."""
    for form in sorted(set().union(*map(_forms, secrets)), key=len, reverse=True):
        line = line.replace(form, HIDDEN)
    return _IN_ADDRESSES.sub(rf"\g<before>{HIDDEN}", line)


def _forms(secret: str) -> set[str]:
    """A secret as it may stand in a line: as it is, or with escapes in JSON or in a representation."""
    if secret.isascii() and secret.isalnum():  # nothing to escape; the usual token, in every line of the log
        return {secret}
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
