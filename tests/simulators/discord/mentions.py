"""Whom a message calls, as Discord reads its text and its allowed_mentions. Pure."""

import re
from dataclasses import dataclass
from typing import Any

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(frozen=True)
class Called:
    """`users` are ids; `pings` everything that rings somewhere, as it stands in a text."""

    users: list[str]
    everyone: bool
    pings: list[str]


def called(text: str, allowed: dict[str, Any] | None, replied_to: str | None) -> Called:
    """Without `allowed` everything in the text calls, and so does a reply; with it only what it names."""
    users = [user for user in dict.fromkeys(_USER.findall(text)) if _may(allowed, "users", user)]
    roles = [role for role in dict.fromkeys(_ROLE.findall(text)) if _may(allowed, "roles", role)]
    broadcasts = dict.fromkeys(_EVERYONE.findall(text)) if _may(allowed, "everyone", "") else {}
    if replied_to is not None and replied_to not in users and (allowed is None or allowed.get("replied_user")):
        users.append(replied_to)
    pings = [*broadcasts, *(f"<@&{role}>" for role in roles), *(f"<@{user}>" for user in users)]
    return Called(users, bool(broadcasts), pings)


def _may(allowed: dict[str, Any] | None, kind: str, id_: str) -> bool:
    return allowed is None or kind in allowed.get("parse", []) or id_ in map(str, allowed.get(kind, []))
