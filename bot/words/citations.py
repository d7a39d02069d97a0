"""Turns the citation marks of assistants into footnote numbers: `【4:0†source】` becomes `[1]`."""

import re

from bot.words.quotes import sentences

_MARKER = re.compile(r"【[^【】\n]{0,200}†[^【】\n]{0,200}】")
_HALF = re.compile(r"【[^【】\n]{0,400}\Z")


def cited(text: str, *, growing: bool = False) -> tuple[str, list[str]]:
    """The text with numbers in place of its marks, and the marks in the order of their numbers.

    If the text is still `growing`, an unfinished mark at its end is left out.
    """
    markers: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found.group() not in markers:
            markers.append(found.group())
        return f"[{markers.index(found.group()) + 1}]"

    if "【" not in text:
        return text, markers
    return _MARKER.sub(number, _HALF.sub("", text) if growing else text), markers


def said_with(text: str, marker: str) -> str:
    """The sentence that contains or precedes a mark, without marks."""
    before = _MARKER.sub("", text.partition(marker)[0]).rstrip()
    return (sentences(before.rpartition("\n")[2]) or [""])[-1]
