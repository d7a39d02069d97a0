"""Keeps a connection to Discord's gateway, and reconnects without wasting IDENTIFYs."""

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
# Close codes of the gateway after which a new connection would be refused in the same way.
_FATAL = {
    4010: "an invalid shard was requested; remove any sharding from DISCORD_GATEWAY_URL",
    4011: "the bot is on too many servers for one connection; remove it from some of them",
    4012: "this version of discord.py is too old for Discord's gateway; update Threadline",
    4013: "the bot asks for unknown intents; update Threadline",
}
# Seconds after which a cancellation is repeated.
_CANCEL_AGAIN = 0.5

log = structlog.get_logger()


class _LostError(Exception):
    """The connection is lost; the text says how, `after` how long to wait if Discord said so."""

    def __init__(self, how: str, *, after: float | None = None) -> None:
        super().__init__(how)
        self.after = after


async def listen(account: Account, bot: Bot, *, pauses: Sequence[float]) -> None:
    """Receive until cancelled. Raises `ConfigurationError` if Discord refuses the first connection for good."""
    identifies, reads_all, failures, was_ready = Identifies(), True, 0, False
    while True:
        listener = Listener(bot, identifies, account.rate, account.acknowledging, reads_all=reads_all)
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
        except ConfigurationError as error:
            if not (was_ready or listener.was_ready):
                raise
            # As with a token that was reset: the other platforms go on.
            pause = pauses[-1]
            log.error("Discord answers nobody until this is mended", error=str(error), again_in=pause)
        was_ready = was_ready or listener.was_ready
        failures += 1
        await asyncio.sleep(pause)


async def _receive(listener: Listener, token: str) -> None:
    """Log in, connect and receive until the connection ends for good; discord.py resumes a session by itself."""
    try:
        async with listener:
            await listener.login(token)
            await _connect(listener)
    except discord.LoginFailure:
        raise ConfigurationError(refused_token()) from None
    except discord.PrivilegedIntentsRequired:
        raise
    except discord.ConnectionClosed as error:
        if error.code == _BAD_TOKEN:
            raise ConfigurationError(refused_token()) from None
        cure = _FATAL.get(error.code, "see Discord's list of gateway close codes")
        raise ConfigurationError(f"Discord refuses the connection to its gateway ({error.code}): {cure}.") from error
    except discord.HTTPException as error:
        refused = refusal("log in", error)
        raise _LostError(str(refused), after=refused.retry_after) from error
    except TooSoonError as error:
        raise _LostError("Discord keeps ending our sessions", after=error.seconds) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _LostError(f"no answer ({type(error).__name__})") from error
    except AttributeError as error:
        # discord.py raises this if the socket closes before there is a session to resume.
        if listener.ws is not None:
            raise
        raise _LostError("closed before a session began") from error
    raise _LostError("closed")


async def _connect(listener: Listener) -> None:
    """Connect and receive, with a cancellation that holds.

    discord.py connects within `wait_for`, which before Python 3.12 ignores a cancellation as the connection is made.
    """
    receiving = asyncio.create_task(listener.connect(), name="discord-gateway")
    try:
        await asyncio.shield(receiving)
    finally:
        while not receiving.done():
            receiving.cancel()
            await asyncio.wait([receiving], timeout=_CANCEL_AGAIN)
