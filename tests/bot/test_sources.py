"""Footnotes name the file, and the passage where the run's search tells it."""

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from assistants.connector import AssistantsClient
from bot.segments import Source
from bot.sources import with_sources
from bot.words.quotes import SHOWN, quote
from tests.connector.conftest import client, server
from tests.connector.objects import listed
from tests.connector.server import Server, js, refusal

__all__ = ["client", "server"]

WHERE = {"thread_id": "thread_1", "run_id": "run_1"}
FILES = {"【4:1†source】": "file-2", "【4:0†source】": "file-1", "【9:7†source】": "file-1"}


def file(id_: str, name: str) -> dict[str, Any]:
    more = {"bytes": 1, "created_at": 1, "purpose": "assistants", "status": "processed"}
    return {"id": id_, "object": "file", "filename": name, **more}


def searched(*results: tuple[str, str]) -> dict[str, Any]:
    found = [
        {"file_id": id_, "file_name": id_, "score": 0.5, "content": [{"type": "text", "text": text}]}
        for id_, text in results
    ]
    call = {"id": "call_1", "type": "file_search", "file_search": {"results": found}}
    return {
        "id": "step_1",
        "object": "thread.run.step",
        "created_at": 1,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "run_id": "run_1",
        "type": "tool_calls",
        "status": "completed",
        "step_details": {"type": "tool_calls", "tool_calls": [call]},
        "metadata": {},
    }


async def test_a_footnote_names_the_file_and_passage_of_its_mark(server: Server, client: AssistantsClient) -> None:
    text = "No dogs【4:1†source】, no cats【4:0†source】, none【9:7†source】."
    steps = searched(("file-1", "## Pets\n\nCats  stay\noutside."), ("file-2", "Dogs stay outside. " * 20))
    server.will(js(file("file-2", "dogs.pdf")), js(file("file-1", "cats.pdf")), js(listed(steps)))
    shown, sources = await with_sources(client, text, FILES, **WHERE)
    assert shown == "No dogs[1], no cats[2], none[3]."
    dogs, cats, again = sources
    assert (dogs.number, dogs.title) == (1, "dogs.pdf")
    assert dogs.passage.startswith("Dogs stay outside. Dogs")
    assert dogs.passage.endswith("…")
    outside = "Pets Cats stay outside."
    assert (cats, again) == (Source(2, "cats.pdf", outside), Source(3, "cats.pdf", outside))


async def test_a_footnote_quotes_the_cited_sentence(server: Server, client: AssistantsClient) -> None:
    filler = "The house was built in 1902 and has a garden. " * 6
    rules = f"{filler}Rabbits may live on the balcony all year. {filler}猫は部屋に入れません。 {filler}"
    text = "Of pets:\nIt has a garden. Rabbits may stay on the balcony.【4:0†source】 猫は入れません【9:0†source】。"
    server.will(js(file("file-1", "rules.pdf")), js(listed(searched(("file-1", rules)))))
    files = {"【4:0†source】": "file-1", "【9:0†source】": "file-1"}
    _, (rabbits, cats) = await with_sources(client, text, files, **WHERE)
    assert rabbits.passage.startswith("…Rabbits may live on the balcony all year. The house")
    assert cats.passage.startswith("…猫は部屋に入れません。 The house")


def test_a_quote_ends_before_the_next_heading() -> None:
    passage = f"{'The house is old. ' * 9}\n\n## Pets\n\nRabbits are allowed.\n\n## Files\n\nFiles are kept."
    assert quote(passage, "rabbits allowed") == "…Pets Rabbits are allowed. …"


@given(passage=st.text(st.sampled_from("ab.!?…。猫# \n\t\u3000"), max_size=900) | st.text(), said=st.text())
@example(passage="x" * 400, said="")
@example(passage=" ".join(["One. Two!"] * 50), said="two")
def test_a_quote_contains_only_words_of_its_passage(passage: str, said: str) -> None:
    shown = quote(passage, said)
    words = " ".join(re.sub(r"^#{1,6} +", "", passage, flags=re.M).split())
    assert len(shown) <= SHOWN + 3
    assert shown == words or shown.removeprefix("…").removesuffix("…") in words
    assert bool(shown) == bool(words)


async def test_a_source_that_cannot_be_looked_up_is_shown_without_details(
    server: Server, client: AssistantsClient
) -> None:
    server.will(refusal(404, "No such file."), refusal(500, "Away."))
    shown, sources = await with_sources(client, "No dogs【4:1†source】.", FILES, **WHERE)
    assert (shown, sources) == ("No dogs[1].", (Source(1, "a file that no longer exists"),))


async def test_a_text_without_marks_makes_no_requests(server: Server, client: AssistantsClient) -> None:
    assert await with_sources(client, "No dogs.", {}, **WHERE) == ("No dogs.", ())
    assert server.asked == []
