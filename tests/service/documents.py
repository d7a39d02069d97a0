"""Real files of every kind that can be read, made by the libraries that people's programs use."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pptx
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

SAID = "The umbrella of Bergen"
MORE = "42 rainy days"


def pdf(text: str = SAID) -> bytes:
    figure, file = Figure(), io.BytesIO()
    for place, line in enumerate(filter(None, (text, MORE if text else ""))):
        figure.text(0.1, 0.8 - place / 10, line, family="DejaVu Sans")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FigureCanvasPdf(figure).print_pdf(file, metadata={"CreationDate": None})  # type: ignore[no-untyped-call]
    return file.getvalue()


def word() -> bytes:
    made, file = docx.Document(), io.BytesIO()
    made.add_heading("Weather")
    made.add_paragraph(SAID)
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "days", MORE
    made.save(file)
    return file.getvalue()


def powerpoint() -> bytes:
    made, file = pptx.Presentation(), io.BytesIO()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = SAID
    table = slide.shapes.add_table(1, 1, 0, 0, 100, 100).table
    table.cell(0, 0).text = MORE
    slide.notes_slide.notes_text_frame.text = "Say it slowly"
    made.save(file)
    return file.getvalue()


def excel() -> bytes:
    made, file = openpyxl.Workbook(), io.BytesIO()
    sheet = made.active
    sheet.title = "Rain"
    sheet.append([SAID, None, 7])
    sheet.append([MORE])
    made.save(file)
    return file.getvalue()


def html() -> bytes:
    return f"<!-- x --><!DOCTYPE html><title>T</title><script>var hidden</script><p>{SAID}</p><b>{MORE}</b>".encode()


def text(said: str) -> Callable[[], bytes]:
    return said.encode


MAKERS: dict[str, Callable[[], bytes]] = {
    "pdf": pdf,
    "docx": word,
    "pptx": powerpoint,
    "xlsx": excel,
    "html": html,
    "md": text(f"# {SAID}\n\n{MORE}"),
    "txt": text(f"{SAID}\n{MORE}"),
    "csv": text(f"what,days\n{SAID},{MORE}"),
    "json": text(json.dumps({"what": SAID, "days": MORE})),
    "py": text(f"def rain():\n    '''{SAID}'''\n    return '{MORE}'"),
}


def bomb() -> bytes:
    """A Word file whose one part is enormous once it is unpacked."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(300):
            part.write(b"\0" * (1 << 20))
    return file.getvalue()
