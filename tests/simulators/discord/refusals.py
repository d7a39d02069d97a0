"""What is answered instead of what was asked: rate limits, a ban by Cloudflare, server errors. Pure."""

from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord.errors import ApiError, refusal
from tests.simulators.discord.records import Fault

VIA = {"Via": "1.1 google"}


@dataclass
class Answer:
    """One answer. A string body is sent as HTML, as Cloudflare does."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: dict(VIA))


def of_fault(fault: Fault) -> Answer | None:
    """The answer a fault has prescribed, if it has."""
    if fault.status == 429 and fault.scope == "cloudflare":
        return Answer(429, "<html>error code: 1015</html>", {"Retry-After": _whole(fault.retry_after)})
    if fault.status == 429:
        return rate_limited(fault.retry_after, fault.scope, {})
    if fault.code:
        return of_error(refusal(fault.code))
    if fault.status != 200:
        return Answer(fault.status, {"message": f"{fault.status}: Injected", "code": 0})
    return None


def of_error(error: ApiError) -> Answer:
    return Answer(error.status, error.body)


def rate_limited(seconds: float, scope: str, bucket: dict[str, str]) -> Answer:
    is_global = scope == "global"
    told = {"X-RateLimit-Global": "true"} if is_global else {"X-RateLimit-Remaining": "0", **bucket}
    waits = {"Retry-After": _whole(seconds), "X-RateLimit-Reset-After": f"{seconds:.3f}", "X-RateLimit-Scope": scope}
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": is_global}
    return Answer(429, body, {**VIA, **told, **waits})


def _whole(seconds: float) -> str:
    return str(int(-(-seconds // 1)))
