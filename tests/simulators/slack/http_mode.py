"""HTTP mode: signed requests to the app's request URL, and what their answers mean."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.simulators.slack.parcel import Parcel
from tests.simulators.slack.records import Delivery
from tests.simulators.slack.world import World

REDIRECTS = 2


class HttpMode:
    """In use while `url` is set. `age` makes the stamps older by so many seconds."""

    def __init__(self, world: World) -> None:
        self.url = ""
        self.secret = ""
        self.age = 0.0
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    async def verify(self) -> bool:
        """url_verification, as when somebody enters a request URL: it must echo the challenge."""
        challenge = secrets.token_hex(16)
        body = json.dumps({"token": "verification", "type": "url_verification", "challenge": challenge}).encode()
        async with self._post(body, {"Content-Type": "application/json"}) as answer:
            text = await answer.text()
        return answer.status == 200 and challenge in (text.strip(), _json(text).get("challenge"))

    async def send(self, delivery: Delivery, payload: dict[str, Any], seconds: float) -> Parcel:
        """Posts it; 2xx in time acknowledges it."""
        headers, deadline = self._retry(delivery), self._world.now() + seconds
        delivery.attempts.append(self._world.now())
        delivery.sockets.append(-1)
        body, kind = _form(delivery.type, payload)
        await self._world.changed()
        answer = self._answer(body, {**headers, "Content-Type": kind})
        try:
            return await self._world.clock.before(deadline, answer)
        except TimeoutError:
            return Parcel("http_timeout")
        except aiohttp.TooManyRedirects:
            return Parcel("too_many_redirects")
        except aiohttp.ClientSSLError:
            return Parcel("ssl_error")
        except aiohttp.ClientConnectionError:
            return Parcel("connection_failed")
        except (aiohttp.ClientError, ValueError):
            return Parcel("unknown_error")

    async def _answer(self, body: bytes, headers: dict[str, str]) -> Parcel:
        async with self._post(body, headers) as answer:
            text = await answer.text()
        is_last = answer.headers.get("X-Slack-No-Retry") == "1"
        if not 200 <= answer.status < 300:
            return Parcel("http_error", is_last=is_last)
        return Parcel(ack=_json(text) or ({"text": text} if text else None), is_last=is_last, lost="http_timeout")

    def _retry(self, delivery: Delivery) -> dict[str, str]:
        retry = len(delivery.attempts)
        if delivery.type != "events_api" or not retry:
            return {}
        # One that was acknowledged and is sent again all the same lost its acknowledgement.
        reason = delivery.reasons[-1] if delivery.reasons else "http_timeout"
        return {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}

    def _post(self, body: bytes, headers: dict[str, str]) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        stamp = str(int(time.time() - self.age))
        signed = headers | {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.secret, stamp, body),
        }
        return self._session.post(self.url, data=body, headers=signed, max_redirects=REDIRECTS)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            # aiohttp's transports close one turn of the loop later.
            await asyncio.sleep(0)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """`v0=` and the HMAC-SHA256 of version, stamp and raw body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def _form(kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
    """Events are JSON, commands a form, interactions a form with the JSON in `payload`."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
