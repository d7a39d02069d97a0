"""The keys of the page's conversations, and the one person who uses the page."""

import re

from adapters.web.requests import BadRequestError
from bot.incoming import Person, Place

PLATFORMS = ("web", "console")
PERSON = Person(id="web")

_KEY = re.compile(r"(web|console):([A-Za-z0-9][A-Za-z0-9._~-]{0,99})")


def place_of(key: str) -> Place:
    """The place of a conversation's key. Raises `BadRequestError`."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise BadRequestError("This is not the key of a conversation; keys look like web:… or console:….")
    return Place(key, platform=match[1], workspace="local", channel="page", thread=match[2])
