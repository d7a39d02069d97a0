"""A long answer comes in parts that stand by themselves, and what people have read stays."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.markdown import parse
from bot.words.pages import Pages, Paper, Part
from bot.words.rewrite import Dialect
from tests.words.markdown import answers, cases, markdown

CONTINUED = "-# continued\n"
PLAIN = Dialect().write


def as_it_is(text: str) -> str:
    return text


def in_bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def end(text: str, room: int, **paper: object) -> list[Part]:
    return Pages(Paper(room, **{"write": as_it_is, **paper})).end(text)  # type: ignore[arg-type]


@cases
@given(markdown, st.integers(60, 400))
def test_every_part_fits_and_together_they_are_the_whole_text(text: str, room: int) -> None:
    """Otherwise an answer over the platform's limit would be cut without notice."""
    parts = end(text, room, continued=CONTINUED, write=PLAIN, measure=in_bytes)
    assert all(in_bytes(part.written) <= room for part in parts)
    shown = "".join(text[part.start : part.end] for part in parts)
    assert shown.split() == text.split() or "".join(shown.split()) == "".join(text.split())


@cases
@given(markdown, st.integers(60, 400))
def test_parts_without_what_they_repeat_and_close_join_to_the_text(text: str, room: int) -> None:
    text = text.replace("\r\n", "\n")
    joined = ""
    for part in end(text, room):
        body = text[part.start : part.end]
        at = 0
        # Every character of the span stands in the part, in order; what else is there was repeated or closes.
        for character in body:
            if character.isspace():
                continue
            at = part.written.find(character, at) + 1
            assert at, (part.written, body)
        joined += body
    assert "".join(joined.split()) == "".join(text.split())


@cases
@given(answers, st.integers(120, 600))
def test_fences_are_balanced_in_every_part(text: str, room: int) -> None:
    for part in end(text, room):
        marks = [line for line in part.written.splitlines() if re.match(r"[\s>]*(?:\d+\. )?```", line)]
        assert len(marks) % 2 == 0, part.written
        fences = [token for token in parse(part.written) if token.type == "fence"]
        assert len(fences) * 2 == len(marks), part.written


@cases
@given(markdown, st.integers(60, 300), st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_however_it_grew_the_parts_are_the_same_and_a_full_one_never_changes(
    text: str, room: int, steps: list[int]
) -> None:
    paper = Paper(room, PLAIN, continued=CONTINUED)
    pages, at, before = Pages(paper), 0, list[Part]()
    for step in steps:
        at += step
        now = pages.grow(text[:at])
        assert all(len(part.written) <= room for part in now)
        assert now[: max(0, len(before) - 1)] == before[:-1]
        before = now
    now = pages.end(text)
    assert now[: max(0, len(before) - 1)] == before[:-1]
    assert now == Pages(paper).end(text)


@cases
@given(markdown, st.integers(60, 300), st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_in_a_stream_each_part_only_gets_longer(text: str, room: int, steps: list[int]) -> None:
    pages, at, seen = Pages(Paper(room, PLAIN)), 0, list[str]()
    for step in [*steps, len(text)]:
        at += step
        now = [part.written for part in pages.grow(text[:at], append_only=True)]
        assert len(now) >= len(seen)
        assert all(later.startswith(earlier) for earlier, later in zip(seen, now, strict=False))
        seen = now


def test_a_fence_is_closed_and_opened_again_with_its_language() -> None:
    parts = end("```python\n" + "x = 1\n" * 30 + "```\n", 100)
    assert all(part.written.startswith("```python\nx = 1\n") for part in parts)
    assert all(part.written.rstrip().endswith("x = 1\n```") for part in parts)


def test_a_table_repeats_its_head_and_no_row_is_cut() -> None:
    head = "| name | value |\n|---|--:|\n"
    parts = end(head + "".join(f"| number {n} | {n} |\n" for n in range(20)), 120)
    assert all(part.written.startswith(head) for part in parts)
    assert sum(part.written.count("| number ") for part in parts) == 20


def test_list_items_and_links_are_kept_whole() -> None:
    items = "".join(f"- item {n} with [a link](https://example.org/{n}) in it\n" for n in range(20))
    for part in end(items, 150):
        assert re.fullmatch(r"(- item \d+ with \[a link\]\(https://example.org/\d+\) in it\n)+", part.written)


def test_code_in_a_list_goes_on_as_code() -> None:
    text = "1. first\n   ```sh\n" + "   echo hello world\n" * 20 + "   ```\n2. second\n"
    first, *_, last = end(text, 150)
    assert first.written.endswith("   echo hello world\n   ```")
    assert last.written.startswith("```sh\necho hello world\n")
    assert last.written.endswith("```\n2. second\n")


def test_a_heading_stays_with_what_follows_it() -> None:
    parts = end("word " * 15 + "\n\n## Next\n\n" + "more " * 15, 100)
    assert parts[1].written.startswith("## Next")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One sentence here. Another one there. And a third one.", "One sentence here. Another one there. "),
        ("一つ目の文です。二つ目の文です。三つ目の文です。", "一つ目の文です。二つ目の文です。"),
        ("https://example.org/" + "a" * 50, "https://example.org/aaaaaaaaaaaaaaaaaaaa"),
    ],
)
def test_a_paragraph_is_cut_after_a_sentence(text: str, cut: str) -> None:
    assert end(text, 40 if text[0] != "一" else 20)[0].written == cut


def test_visible_characters_are_kept_whole() -> None:
    parts = end("👩🏽\u200d🚀" * 20, 10)
    assert all(part.written == "👩🏽\u200d🚀" * 2 for part in parts)
