"""Whatever a conversation holds, its prompt fits; the newest message and the instructions are in it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.service.prompt import Message, fit

LIMIT = 40


class Words:
    """Counts words, and three more for each message, as templates do; cuts as roughly as told."""

    def __init__(self, rough: int = 0) -> None:
        self._rough = rough

    async def count(self, messages: Sequence[Message]) -> int:
        return sum(3 + len(message["content"].split()) for message in messages)

    async def cut(self, text: str, tokens: int) -> str:
        return " ".join(text.split()[: tokens + self._rough])


def _said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


texts = st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=2 * LIMIT).map(" ".join)
messages = st.lists(st.builds(_said, st.sampled_from(["system", "developer", "user", "assistant", "tool"]), texts))


@given(messages, st.integers(0, 2))
async def test_the_prompt_fits_and_keeps_its_order(asked: list[dict[str, Any]], rough: int) -> None:
    talk = [message for message in asked if message["role"] in ("user", "assistant")]
    kept = await fit(asked, Words(rough), limit=LIMIT)
    assert await Words().count(kept) <= LIMIT
    spoken = [message for message in kept if message["role"] != "system"]
    assert [message["role"] for message in spoken] == [message["role"] for message in talk[len(talk) - len(spoken) :]]
    assert bool(spoken) == bool(talk)
    if spoken:
        assert talk[-1]["content"].startswith(spoken[-1]["content"])
        assert spoken[-1]["content"]


async def test_older_messages_go_before_anything_is_cut() -> None:
    asked = [_said("system", "be kind"), *[_said("user", f"{n} " * 7) for n in range(9)]]
    kept = await fit(asked, Words(), limit=LIMIT)
    assert kept == [_said("system", "be kind"), *[_said("user", " ".join([str(n)] * 7)) for n in (6, 7, 8)]]


async def test_long_instructions_leave_half_for_the_question() -> None:
    kept = await fit([_said("system", "be " * 99), _said("user", "why " * 99)], Words(), limit=LIMIT)
    assert [len(message["content"].split()) for message in kept] == [20, 14]


async def test_all_instructions_are_said_first_and_together() -> None:
    asked = [_said("system", "a"), _said("user", "hi"), _said("developer", "b")]
    assert await fit(asked, Words(), limit=LIMIT) == [_said("system", "a\n\nb"), _said("user", "hi")]


async def test_only_words_are_kept() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    asked = [
        _said("user", [{"type": "text", "text": "Look:"}, picture]),
        {**_said("assistant", None), "tool_calls": []},
        _said("tool", "42"),
    ]
    assert await fit(asked, Words(), limit=LIMIT) == [_said("user", "Look:")]


@pytest.mark.parametrize("asked", [[], [_said("user", "")], [_said("tool", "42")]])
async def test_nothing_said_is_nothing_to_answer(asked: list[dict[str, Any]]) -> None:
    assert await fit(asked, Words(), limit=LIMIT) == []
