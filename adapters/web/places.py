"""Where and who: the keys of conversations on the page, and the one person who uses it."""

import re

from adapters.web.requests import BadRequestError
from bot.incoming import Person, Place

PLATFORMS = ("web", "console")
PERSON = Person(id="web")

_KEY = re.compile(r"(web|console):([A-Za-z0-9][A-Za-z0-9._~-]{0,99})")


def place_of(key: str) -> Place:
    """The place a key names. Raises `BadRequestError`."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise BadRequestError("There is no conversation of that name here; its key looks like web:… or console:….")
    return Place(key, platform=match[1], workspace="local", channel="page", thread=match[2])
