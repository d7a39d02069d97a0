"""Receives what happens on Discord, over its gateway; supervised, so that no IDENTIFY is wasted."""

import asyncio
from collections.abc import Sequence

import aiohttp
import discord
import structlog

from adapters.discord.account import Account
from adapters.discord.errors import APPLICATIONS, refusal, refused_token
from adapters.discord.gateway import Identifies, Listener, TooSoonError
from bot.adapter import Bot, ConfigurationError

INTENT = (
    "Discord refuses us the text of messages: switch on Message Content Intent on your application's page Bot"
    f" at {APPLICATIONS} and restart; until then a follow-up in a thread needs a mention"
)
_BAD_TOKEN = 4004

log = structlog.get_logger()


class _LostError(Exception):
    """The connection is gone; the text says how, `after` when to come back where Discord said so."""

    def __init__(self, how: str, *, after: float | None = None) -> None:
        super().__init__(how)
        self.after = after


async def listen(account: Account, bot: Bot, *, pauses: Sequence[float]) -> None:
    """Receive until cancelled. Raises `ConfigurationError` for what no trying again would cure."""
    identifies, reads_all, failures = Identifies(), True, 0
    while True:
        listener = Listener(bot, identifies, reads_all=reads_all)
        try:
            await _receive(listener, account.token)
        except discord.PrivilegedIntentsRequired:
            log.warning(INTENT)
            reads_all = False
            continue
        except _LostError as error:
            failures = 0 if listener.was_ready else failures
            pause = error.after or pauses[min(failures, len(pauses) - 1)]
            log.warning("connection to Discord lost", error=str(error), again_in=pause)
        failures += 1
        await asyncio.sleep(pause)


async def _receive(listener: Listener, token: str) -> None:
    """Log in, connect and receive, until something ends it; discord.py resumes what can be resumed by itself."""
    try:
        async with listener:
            await listener.login(token)
            await listener.connect()
    except discord.LoginFailure:
        raise ConfigurationError(refused_token()) from None
    except discord.PrivilegedIntentsRequired:
        raise
    except discord.ConnectionClosed as error:
        if error.code == _BAD_TOKEN:
            raise ConfigurationError(refused_token()) from None
        raise ConfigurationError(f"Discord closed the gateway for good ({error.code} {error.reason}).") from error
    except discord.HTTPException as error:
        refused = refusal("log in", error)
        raise _LostError(str(refused), after=refused.retry_after) from error
    except TooSoonError as error:
        raise _LostError("it ends our sessions again and again", after=error.seconds) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _LostError(f"no answer ({type(error).__name__})") from error
    except AttributeError as error:
        # What discord.py makes of a socket that closes before there is a session to resume.
        if listener.ws is not None:
            raise
        raise _LostError("closed before a session began") from error
    raise _LostError("closed")
