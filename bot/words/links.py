"""Checks that links show their true address, and that addresses ping nobody."""

import html
import re
from urllib.parse import urlsplit

_ENDINGS = "com|org|net|io|gov|edu|mil|int|info|biz|co|dev|app|ai|me|uk|de|fr|eu|nl|it|es|ru|cn|jp|br|in|ch|at|us|ca|au"
_SHOWN = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*://|www\.)([^\s/?#\\]+)|(?<![\w@.-])((?:[\w-]+\.)+(?:{_ENDINGS}))(?![\w.-]*\w)",
    re.IGNORECASE,
)
_BROADCAST = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)


def shows_another(words: str, address: str) -> bool:
    """Return whether the text of a link shows an address other than its target."""
    leads_to = _host(address)
    plain = re.sub(r"[\\*_`~\u200b\u200c\u200d\u2060\ufeff]", "", html.unescape(words))
    shown = [_bare_host(found[1] or found[2]) for found in _SHOWN.finditer(plain)]
    return any(host != leads_to for host in shown)


def has_address(markdown: str) -> bool:
    """Return whether a platform may find an address to link and preview."""
    return _SHOWN.search(markdown) is not None


def quiet(address: str) -> str:
    """The address, encoded so that no platform recognises a broadcast in it (`https://e.org/@here`)."""
    return _BROADCAST.sub("%40", address)


def _host(address: str) -> str:
    try:
        return _bare_host(urlsplit(address).netloc)
    except ValueError:
        return ""


def _bare_host(place: str) -> str:
    host = place.rpartition("@")[2].lower().rstrip(".")
    return re.sub(r":\d*$", "", host).removeprefix("www.")
