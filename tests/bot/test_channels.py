"""A channel may have an assistant of its own."""

from dataclasses import replace
from pathlib import Path

from bot.incoming import Command
from tests.bot.house import ADA, PLACE, PLAIN, house

CONFIGURED = f"""{PLAIN}
[assistants.other]
title = "Other"
[assistants.third]
title = "Third"
[channels."web:local:page"]
assistant = "other"
"""
NOWHERE = replace(PLACE, key="", thread=None)
ELSEWHERE = replace(PLACE, key="web:elsewhere", channel="lounge", thread="elsewhere")


async def test_a_threads_pick_overrides_the_channels_assistant_which_overrides_the_persons_pick(tmp_path: Path) -> None:
    """A thread uses its channel's assistant until somebody picks another one there."""
    async with house(tmp_path, configured=CONFIGURED) as here:
        picked = await here.core.command(Command("web:use-1", NOWHERE, ADA, "use third"))
        assert "In this channel Other answers" in picked.text
        await here.say("hello")
        await here.say("hello", ELSEWHERE)
        await here.turns(lambda now: len(now) == 2 and all(turn["outcome"] for turn in now))
        await here.core.command(Command("web:use-2", PLACE, ADA, "use plain"))
        await here.say("and now?")
        answered = await here.turns(lambda now: len(now) == 3 and all(turn["outcome"] for turn in now))
    assert [turn["assistant"] for turn in answered] == ["other", "third", "plain"]
