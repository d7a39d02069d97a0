"""What people send to have it read: a file of three kinds and one without words; and a model that cites the three."""

import json

from assistants.service.scripted import ScriptedCall, ScriptedReply
from tests.service.documents import SAID, pdf, word

FILES = {
    "umbrella.pdf": (pdf(), "application/pdf"),
    "notes.md": (b"# Notes\n\nThe gloves of Oslo hang in the hall.\n", "text/markdown"),
    "weather.docx": (word(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "scan.pdf": (pdf(""), "application/pdf"),
}
QUESTION = "where are the umbrella and the gloves?"
SEARCHES = ScriptedReply(tool_calls=(ScriptedCall("file_search", json.dumps({"query": "umbrella or gloves"})),))
CITES = ScriptedReply(text="In Bergen【0:0†umbrella.pdf】【0:1†weather.docx】, and in the hall【0:2†notes.md】.")
ANSWER = "In Bergen[1][2], and in the hall[3]."
SOURCES = (("umbrella.pdf", SAID), ("weather.docx", SAID), ("notes.md", "The gloves of Oslo hang in the hall."))
UNREAD = "“scan.pdf” could not be read."


def is_told(text: str) -> bool:
    """Whether an answer cites the files by number, and names under it the file and the passage of each."""
    lines = text.splitlines()
    return text.startswith(ANSWER) and all(
        any(f"[{number}] {name}: “" in line and passage in line for line in lines)
        for number, (name, passage) in enumerate(SOURCES, 1)
    )
