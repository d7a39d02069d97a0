"""Extracts plain text from each kind of file. Runs in a child process, because the files are untrusted."""

import io
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

LARGEST_UNPACKED = 256 * 1024 * 1024
MOST_PARTS = 20_000


class SayableError(Exception):
    """A file cannot be read; the text is a sentence for the sender."""


def extract(kind: str, data: bytes) -> str:
    """Raises `SayableError`, and whatever a library raises on a file that is broken."""
    if kind in ("docx", "pptx", "xlsx"):
        _expect_small(data)
    return _READERS[kind](data)


def _expect_small(data: bytes) -> None:
    parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise SayableError("The file is far larger once it is unpacked, as no document is.")


def _pdf(data: bytes) -> str:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise SayableError("The PDF is locked with a password; save it without one.")
    text = "\n\n".join(filter(None, (page.extract_text().strip() for page in reader.pages)))
    if not text:
        raise SayableError("The PDF holds no text, only pictures, as a scan does; have its text recognised first.")
    return text


def _docx(data: bytes) -> str:
    import docx
    from docx.table import Table

    def said(item: Any) -> str:
        if isinstance(item, Table):
            return "\n".join(_row(cell.text for cell in row.cells) for row in item.rows)
        return str(item.text)

    return "\n\n".join(filter(None, map(said, docx.Document(io.BytesIO(data)).iter_inner_content())))


def _pptx(data: bytes) -> str:
    import pptx

    def said(shapes: Any) -> Iterator[str]:
        for shape in shapes:
            if shape.has_text_frame:
                yield shape.text_frame.text
            elif getattr(shape, "has_table", False) and shape.has_table:
                yield "\n".join(_row(cell.text for cell in row.cells) for row in shape.table.rows)
            elif hasattr(shape, "shapes"):
                yield from said(shape.shapes)

    pages = []
    for number, slide in enumerate(pptx.Presentation(io.BytesIO(data)).slides, 1):
        notes = [slide.notes_slide.notes_text_frame.text] if slide.has_notes_slide else []
        pages.append("\n".join(filter(None, [f"Slide {number}", *said(slide.shapes), *notes])))
    return "\n\n".join(pages)


def _xlsx(data: bytes) -> str:
    import openpyxl

    sheets = []
    for sheet in openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets:
        rows = (_row("" if cell is None else str(cell) for cell in row) for row in sheet.iter_rows(values_only=True))
        if lines := [row for row in rows if row]:
            sheets.append("\n".join([f"Sheet {sheet.title}", *lines]))
    return "\n\n".join(sheets)


def _row(cells: Any) -> str:
    return " | ".join(" ".join(cell.split()) for cell in cells).strip(" |")


class _Words(HTMLParser):
    """The words of a page, without what is not read: scripts, styles, and the like."""

    SILENT = frozenset({"script", "style", "template", "noscript", "svg"})
    INLINE = frozenset({"a", "b", "i", "em", "strong", "span", "code", "sub", "sup", "small", "u", "abbr", "mark"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._silent += tag in self.SILENT
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    def _break(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.words.append("\n")


def _html(data: bytes) -> str:
    words = _Words()
    words.feed(data.decode("utf-8-sig"))
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.words).split("\n"))
    return "\n".join(filter(None, lines))


_READERS: dict[str, Callable[[bytes], str]] = {
    "pdf": _pdf,
    "docx": _docx,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "html": _html,
}
