"""Contract tests for replies: people see the whole answer exactly once, however it grew."""

import asyncio
from collections.abc import Sequence

from bot.adapter import Reply
from bot.segments import Notice, Snapshot, Text
from bot.testing.asked import Asked
from bot.testing.stage import Stage, must, needs

SOON = 20.0
# How long a call that should wait is given to return too early.
HASTE = 0.2
PINGS = "@everyone @here <!channel> <!here> <!everyone> <!subteam^S1> <@U0ADA> <@1> <@!1> <@&1> @channel"


class Speaking:
    """The tests about replies."""

    async def test_an_answer_is_there_whole_and_once_when_finish_returns(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        reply = asked.reply()
        await reply.show(Snapshot(status="Thinking…"))
        await reply.show(Snapshot((Text("Two and"),)))
        await reply.finish([Text("Two and two is four.")])
        await reply.aclose()
        await answered(asked, "Two and two is four.")

    async def test_an_answer_that_never_grew_is_there_as_well(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Text("Four.")])
        await answered(asked, "Four.")

    async def test_finishing_again_creates_nothing_twice(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        reply = asked.reply()
        for _ in range(2):
            await reply.finish([Text("Four.")])
        await reply.aclose()
        await asked.finish(await found(asked), [Text("Four.")])
        await answered(asked, "Four.")

    @needs("editing")
    async def test_a_later_try_replaces_what_an_earlier_one_left(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        reply = asked.reply()
        await reply.show(Snapshot((Text("Half an"),)))
        await reply.aclose()
        await asked.finish(await found(asked), [Text("Three and a half.")])
        await answered(asked, "Three and a half.")

    async def test_two_answers_in_one_conversation_stay_apart(self, stage: Stage) -> None:
        first = await Asked.on(stage)
        await first.finish(first.reply(), [Text("One.")])
        second = await Asked.on(stage, after=first.said)
        await second.finish(second.reply(), [Text("Two.")])
        await answered(second, "One.", "Two.")

    @needs("limit")
    async def test_an_answer_over_the_limit_comes_in_parts_and_nothing_is_lost(self, stage: Stage) -> None:
        asked, answer = await Asked.on(stage), long_answer(stage)
        reply = asked.reply()
        await reply.show(Snapshot((Text(answer),)))
        await asked.finish(reply, [Text(answer)])
        seen = await answered(asked, answer)
        must(len(seen) > 1, "What does not fit one message is split.", seen)
        must(all(len(part) <= stage.limit for part in seen), f"No part is longer than {stage.limit}.", seen)
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Text("x" * stage.limit * 2)])
        await answered(asked, "x" * stage.limit * 2)

    @needs("parts")
    async def test_every_part_is_recorded_as_final(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        answer = long_answer(stage) if stage.limit else "Four."
        await asked.finish(asked.reply(), [Text(answer)])
        seen = await answered(asked, answer)
        must(sorted(asked.kept) == list(range(1, len(seen) + 1)), "keep_part counts the parts from 1.", asked.kept)
        must(all(state == "final" for _, state in asked.kept.values()), "All of them are final.", asked.kept)
        must(len({ref for ref, _ in asked.kept.values()}) == len(seen), "Each has its own reference.", asked.kept)

    async def test_a_notice_is_seen_alone_and_under_an_answer(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Notice("The model refused the key.", kind="problem")])
        await reads(asked, "The model refused the key.")
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Text("Four."), Notice("A tiny model; often wrong.")])
        await reads(asked, "Four.", "A tiny model; often wrong.")

    async def test_an_answer_of_blanks_does_not_stop_the_turn(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Text(" \n ")])
        asked = await Asked.on(stage, after=asked.said)
        await asked.finish(asked.reply(), [Text("Still here.")])
        await reads(asked, "Still here.")

    @needs("pings")
    async def test_nothing_that_is_said_pings_anybody(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        reply = asked.reply()
        await reply.show(Snapshot((Text(PINGS),)))
        await asked.finish(reply, [Text(PINGS), Notice(PINGS), Text("said")])
        await reads(asked, "said")
        pinged = await stage.pinged(asked.said)
        must(list(pinged) == [], "Neither a model's text nor a notice pings anybody.", pinged)

    @needs("holding")
    async def test_show_waits_for_nobody(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.hold()
        reply = asked.reply()
        async with asyncio.timeout(SOON):
            await reply.show(Snapshot((Text("word"),)))
            await stage.held()
            for count in range(2, 50):
                await reply.show(Snapshot((Text("word " * count),)))
        await stage.release()
        await asked.finish(reply, [Text("word " * 50)])
        await answered(asked, "word " * 50)

    @needs("holding")
    async def test_what_is_on_its_way_never_lands_upon_the_answer(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.hold()
        reply = asked.reply()
        await reply.show(Snapshot((Text("half"),)))
        await stage.held()
        finishing = asyncio.create_task(reply.finish([Text("whole")]))
        await asyncio.wait([finishing], timeout=HASTE)
        await stage.release()
        await finishing
        await reply.aclose()
        await answered(asked, "whole")

    @needs("holding", "editing")
    async def test_a_closed_reply_writes_nothing_more(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.hold()
        reply = asked.reply()
        await reply.show(Snapshot((Text("in time"),)))
        await stage.held()
        await reply.show(Snapshot((Text("too late"),)))
        closing = asyncio.create_task(reply.aclose())
        await asyncio.wait([closing], timeout=HASTE)
        await stage.release()
        await closing
        # Another answer grows at the same pace; a late update of the first one would have arrived by then.
        later = await Asked.on(stage, after=asked.said)
        another = later.reply()
        for words in ("one", "one two", "one two three"):
            await another.show(Snapshot((Text(words),)))
            await reads(later, words)
        await later.finish(another, [Text("one two three")])
        seen = await reads(later, "one two three")
        must("too late" not in " ".join(seen), "A closed reply writes nothing more.", seen)


def long_answer(stage: Stage) -> str:
    """A text of distinct words, two and a half parts long."""
    return " ".join(f"word{number}" for number in range(stage.limit * 5 // 2 // 7))


async def answered(asked: Asked, *texts: str) -> Sequence[str]:
    """Check that people see these texts, each exactly once, and no other text of the bot."""
    seen = await asked.stage.until(asked.said, lambda seen: _bare(texts[-1]) in _joined(asked, seen))
    must(_joined(asked, seen) == _bare("".join(texts)), "The whole answer is there, once, and nothing beside it.", seen)
    return seen


async def reads(asked: Asked, *texts: str) -> Sequence[str]:
    return await asked.stage.until(asked.said, lambda seen: all(_bare(text) in _bare("".join(seen)) for text in texts))


async def found(asked: Asked) -> Reply:
    reply = asked.reply(again=True)
    await reply.find()
    return reply


def _joined(asked: Asked, seen: Sequence[str]) -> str:
    """The text of the parts, without the marks of continued parts."""
    return _bare("".join(part.removeprefix(asked.stage.continued) for part in seen))


def _bare(text: str) -> str:
    """The text without white space, which platforms trim at the ends of messages."""
    return "".join(text.split())
