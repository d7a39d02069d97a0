"""Keeps a model's words from calling anybody: no broadcast and no mention survives on any platform."""

import html
import re

# What discord.py's own escape uses: invisible, and neither Slack nor Discord reads a mention across it.
BREAK = "\u200b"

# A platform, or the Markdown in between, may decode a character reference or a backslash escape first,
# so one unit is whatever stands for one character once it has been decoded.
_UNIT = re.compile(
    r"""&(?:(?:amp|\#0*38|\#x0*26);?)*
         (?:\#x[0-9a-f]+|\#[0-9]+|amp|lt|num|excl|commat);?
      | \\[!-/:-@\[-`{-~]
      | .""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_CALL = re.compile(
    r"<(?=!(?:channel|here|everyone|group|subteam)|[@#][!&]?[a-z0-9])|@(?=channel|here|everyone|group)", re.IGNORECASE
)


def harmless(markdown: str) -> str:
    """The same words, with an invisible break in every broadcast and mention (`<!channel>`, `@here`, `<@U…>`, `<#…>`).

    It holds after the platform's own unescaping (`&lt;!channel&gt;`, `\\<!channel>`); doing it twice changes nothing.
    """
    units = [unit.group() for unit in _UNIT.finditer(markdown)]
    decoded = [_decode(unit) for unit in units]
    origin = [index for index, characters in enumerate(decoded) for _ in characters]
    for call in _CALL.finditer("".join(decoded)):
        units[origin[call.start()]] += BREAK
    return "".join(units)


def _decode(unit: str) -> str:
    """What a unit stands for."""
    if unit.startswith("\\"):
        return unit[1:] or unit
    if len(unit) == 1:
        return unit
    while (plain := html.unescape(unit)) != unit:
        unit = plain
    return unit
