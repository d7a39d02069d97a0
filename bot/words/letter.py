"""Turns a reply into the messages of a platform: the text in parts, the notices below it, and the files."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.segments import Code, File, Notice, Segment, Source, Sources, Step, Table, Text
from bot.words.markdown import parse
from bot.words.pages import Pages, Paper
from bot.words.rewrite import escaped
from bot.words.split import split
from bot.words.tables import Grid, grids

WHOLE = "answer.md"
GOES_ON = "Still writing; the whole answer comes as a file."
_LONE_PIPE = re.compile(r"(?<!\|)\\\|(?!\\\|)")
AS_FILE = f"The whole answer is in {WHOLE}."


@dataclass(frozen=True, slots=True)
class Style:
    """How a platform shows a reply. `small` formats a line of small print; `lead` stands above the first message.

    An answer of more than `most` messages is cut there and attached whole as a file. A table for which `as_file` is
    true is attached as a spreadsheet as well.
    """

    paper: Paper
    small: Callable[[str], str]
    most: int
    lead: str = ""
    as_file: Callable[[Grid], bool] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A finished reply: its messages, the files that follow them, and `instead`, to post if the files are refused."""

    texts: list[str]
    files: tuple[File, ...] = ()
    note: str = ""
    instead: tuple[str, ...] = ()


class Letter:
    """One growing reply. `append_only` is for a platform that cannot change text it has shown."""

    def __init__(self, style: Style, *, append_only: bool = False) -> None:
        room = style.paper.room - style.paper.measure(style.lead)
        self._style = style
        self._append_only = append_only
        self._pages = Pages(replace(style.paper, room=room))

    def turn(self) -> None:
        """Continue in a new message."""
        self._pages.turn()

    def growing(self, segments: Sequence[Segment], *, edited: bool = False) -> list[str]:
        """The messages so far; only the last one changes. Empty while there is nothing to show.

        An append-only reply leaves out the notices below the text, unless it is `edited` from now on.
        """
        texts = [part.written for part in self._pages.grow(body(segments), append_only=self._append_only)]
        if len(texts) > self._style.most:
            return self._led([*texts[: self._style.most], self._style.small(GOES_ON)])
        foot = "" if self._append_only and not edited else self._foot(segments, growing=True)
        return self._led(self._under(texts, foot) if not texts or self._has_room(texts[-1], foot) else texts)

    def whole(self, segments: Sequence[Segment]) -> Sent:
        """The finished reply."""
        text = body(segments)
        texts = [part.written for part in self._pages.end(text)]
        files = (*self._spreadsheets(text), *(segment for segment in segments if isinstance(segment, File)))
        foot = self._foot(segments, growing=False)
        if len(texts) <= self._style.most:
            not_sent = (self._style.small(_not_sent(len(files))),) if files else ()
            return Sent(self._led(self._under(texts, foot)), files, instead=not_sent)
        most = self._style.most
        note = self._style.small(AS_FILE)
        preview = self._led(self._under(texts[:most], foot))
        complete = File(WHOLE, "text/markdown", text.encode("utf-8", "replace"))
        instead = tuple(self._under(texts[most:], foot))
        return Sent(preview, (complete, *files), note, instead)

    def _spreadsheets(self, text: str) -> Iterator[File]:
        tables = grids(parse(text)) if self._style.as_file and "|" in text else ()
        wide = [grid for _, grid in tables if self._style.as_file and self._style.as_file(grid)]
        for number, grid in enumerate(wide, 1):
            yield File(f"table-{number}.csv", "text/csv", grid.csv().encode("utf-8", "replace"))

    def _foot(self, segments: Sequence[Segment], *, growing: bool) -> str:
        write, small = self._style.paper.write, self._style.small
        lines: list[str] = []
        for segment in segments:
            if isinstance(segment, Step) and growing and segment.state == "running":
                lines.append(small(write(segment.text)))
            elif isinstance(segment, Sources):
                lines += [small(write(_note(note))) for note in segment.notes]
            elif isinstance(segment, Notice):
                words = write(segment.text)
                lines.append(small(words) if segment.kind == "label" else words)
        return "\n".join(lines)

    def _under(self, texts: list[str], foot: str) -> list[str]:
        if not foot:
            return texts
        if texts and self._has_room(texts[-1], foot):
            return [*texts[:-1], f"{texts[-1]}{_gap(texts[-1])}{foot}"]
        return [*texts, *split(foot, self._pages_room, self._style.paper.measure)]

    def _has_room(self, text: str, foot: str) -> bool:
        return self._style.paper.measure(f"{text}\n\n{foot}") <= self._pages_room

    @property
    def _pages_room(self) -> int:
        return self._style.paper.room - self._style.paper.measure(self._style.lead)

    def _led(self, texts: list[str]) -> list[str]:
        """The messages, with the lead above the first one."""
        return [self._style.lead + texts[0], *texts[1:]] if texts else texts


def body(segments: Sequence[Segment]) -> str:
    """The text of a reply as one Markdown document."""
    written = (_markdown(segment) for segment in segments)
    return "\n\n".join(text for text in written if text)


def _markdown(segment: Segment) -> str:
    if isinstance(segment, Text):
        return segment.markdown
    if isinstance(segment, Code):
        return fenced(segment.text, segment.language)
    if isinstance(segment, Table):
        return _table(segment)
    return ""


def fenced(text: str, language: str = "") -> str:
    """The text in a code fence that nothing in it can end."""
    longest, run = 2, 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    marks = "`" * (longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def _table(table: Table) -> str:
    columns = max(map(len, table.rows), default=0)
    rows = [[*map(_line, row), *[""] * (columns - len(row))] for row in table.rows]
    rows.insert(1, ["---"] * columns)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) if columns else ""


def _note(note: Source) -> str:
    title = f"[{_line(note.title)}]({note.address})" if note.address else _line(note.title)
    # A single line is no table row, so pipes need no escape, which Slack would show.
    passage = f": “{_LONE_PIPE.sub('|', _line(note.passage))}”" if note.passage else ""
    return f"[{note.number}] {title}{passage}"


def _line(words: str) -> str:
    """Plain words, such as the name of a file, on one line and escaped."""
    return escaped(" ".join(words.split()))


def _not_sent(files: int) -> str:
    return "A file could not be sent here." if files == 1 else f"{files} files could not be sent here."


def _gap(text: str) -> str:
    return "\n" * max(0, 2 - (len(text) - len(text.rstrip("\n"))))
