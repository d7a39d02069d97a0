"""What people say in a thread, and what they change of it, told in whatever order, twice, or refused at first."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import dispatch
from bot.adapter import NotClaimedError
from bot.incoming import Incoming, Revision
from tests.bot.house import ADA, PLACE, House, hasten, house

Told = Incoming | Revision
# A disk that is full refuses what does not fit.
TOO_MUCH = " " * 60_000


@st.composite
def threads(draw: st.DrawFn) -> tuple[int, list[Told]]:
    """A thread into which the bot is called by its message of this number, and how it is told of it."""
    count = draw(st.integers(2, 6))
    call = draw(st.integers(1, count))
    told: list[Told] = []
    for number in range(1, count + 1):
        said = Incoming(f"web:{number}", PLACE, ADA, f"<{number}>", f"{number:04}", addressed=number == call)
        told += [said] * draw(st.integers(1, 2))
        if number != call:
            told += draw(
                st.sampled_from([[], [Revision(said.event, f"<{number}> edited")], [Revision(said.event, None)]])
            )
    return call, draw(st.permutations(told))


async def tell(here: House, told: Told, *, disk_is_full: bool) -> None:
    if isinstance(told, Revision):
        await here.core.revise(told)
        return
    if disk_is_full:
        await here.fill_the_disk()
        try:
            await here.core.receive(replace(told, text=told.text + TOO_MUCH))
        except NotClaimedError:
            """It comes again."""
        await here.make_room()
    await here.core.receive(told)


async def asked(told: list[Told], refused: set[int]) -> list[str]:
    """What the model is asked in the end."""
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder)) as here:
            await here.core.heard_until("web")
            await here.core.caught_up("web")
            for number, one in enumerate(told):
                await tell(here, one, disk_is_full=number in refused)
            await here.turns(lambda now: bool(now) and all(turn["outcome"] for turn in now))
            return await here.thread("user")


def revised_first(told: list[Told], event: str) -> Revision | None:
    """What was changed of a message before it was told."""
    first = next(index for index, one in enumerate(told) if isinstance(one, Incoming) and one.event == event)
    return next((one for one in told[:first] if isinstance(one, Revision) and one.event == event), None)


@settings(max_examples=12, deadline=None)
@given(threads(), st.sets(st.integers(0, 20), max_size=2))
def test_messages_after_the_mention_are_asked_once_in_any_order_of_delivery(
    thread: tuple[int, list[Told]], refused: set[int]
) -> None:
    """Otherwise messages would be answered twice, or not at all, or without having been meant for the bot."""
    call, told = thread
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch, 0.01)
        patch.setattr(dispatch, "PAUSE", 0.01)
        found = asyncio.run(asked(told, refused))
    deleted = {one.event for one in told if isinstance(one, Revision) and one.text is None}
    for number in range(1, max(int(one.event[4:]) for one in told) + 1):
        event, texts = f"web:{number}", [text.strip() for text in found if text.startswith(f"<{number}>")]
        first = revised_first(told, event)
        if number < call or (first is not None and first.text is None):
            assert texts == []
        elif first is not None:
            assert texts == [first.text]
        else:
            assert len(texts) == 1 or (event in deleted and not texts)
