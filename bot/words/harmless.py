"""Keeps a model's text from pinging anybody: no broadcast or mention works on any platform."""

import html
import re

# Invisible; neither Slack nor Discord recognises a mention that contains it. discord.py's own escape uses it too.
BREAK = "\u200b"

# A platform or a Markdown parser may decode character references and backslash escapes first, so one unit is whatever
# decodes to one character.
_UNIT = re.compile(
    r"""&(?:(?:amp|\#0*38|\#x0*26);?)*
         (?:\#x[0-9a-f]+|\#[0-9]+|amp|lt|num|excl|commat);?
      | \\[!-/:-@\[-`{-~]
      | .""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
# Every mention and broadcast begins with one of these, or with a reference to one of them.
_BEGINS = re.compile(r"[<@&]")
_PING = re.compile(
    r"<(?=!(?:channel|here|everyone|group|subteam)|[@#][!&]?[a-z0-9])|@(?=channel|here|everyone|group)", re.IGNORECASE
)


def harmless(markdown: str) -> str:
    """The text with an invisible break in every broadcast and mention (`<!channel>`, `@here`, `<@U…>`, `<#…>`).

    Effective before and after the platform's own unescaping (`&lt;!channel&gt;`, `\\<!channel>`). Idempotent.
    """
    if not _BEGINS.search(markdown):
        return markdown
    units = [unit.group() for unit in _UNIT.finditer(markdown)]
    pinging = _pinging(units) | _pinging([_decode(unit) for unit in units])
    return "".join(unit + BREAK if index in pinging else unit for index, unit in enumerate(units))


def _pinging(units: list[str]) -> set[int]:
    """The units that a broadcast or a mention begins in."""
    begins = [ping.start() for ping in _PING.finditer("".join(units))]
    if not begins:
        return set()
    origin = [index for index, characters in enumerate(units) for _ in characters]
    return {origin[begin] for begin in begins}


def _decode(unit: str) -> str:
    """The characters that a unit decodes to."""
    if unit.startswith("\\"):
        return unit[1:] or unit
    if len(unit) == 1:
        return unit
    while (plain := html.unescape(unit)) != unit:
        unit = plain
    return unit
