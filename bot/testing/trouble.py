"""Contract tests for rate limits, server errors, lost responses and crashes: the answer arrives whole and once."""

import asyncio
from typing import Literal

from bot.segments import Snapshot, Text
from bot.testing.asked import Asked
from bot.testing.speaking import answered, found, long_answer, reads
from bot.testing.stage import Stage, needs


class Trouble:
    """The tests about failures."""

    @needs("refusals")
    async def test_an_answer_survives_a_rate_limit(self, stage: Stage) -> None:
        await _refused_at_the_end(stage, 429)

    @needs("refusals")
    async def test_an_answer_survives_a_failing_server(self, stage: Stage) -> None:
        await _refused_at_the_end(stage, 500)

    @needs("refusals")
    async def test_show_never_raises(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.refuse(500, times=2)
        reply = asked.reply()
        for count in range(1, 20):
            await reply.show(Snapshot((Text("word " * count),)))
        await asked.finish(reply, [Text("word " * 20)])
        await answered(asked, "word " * 20)

    @needs("refusals", "limit", "holding")
    async def test_a_long_answer_refused_in_the_middle_is_whole_and_once(self, stage: Stage) -> None:
        asked, answer = await Asked.on(stage), long_answer(stage)
        await stage.hold()
        finishing = asyncio.create_task(asked.finish(asked.reply(), [Text(answer)]))
        await stage.held()
        await stage.refuse(500)  # the first part is held, so this meets the second
        await stage.release()
        await finishing
        await answered(asked, answer)

    @needs("losses")
    async def test_a_message_whose_response_was_lost_is_not_created_again(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.lose()
        await asked.finish(asked.reply(), [Text("Four.")])
        await answered(asked, "Four.")

    @needs("losses", "editing")
    async def test_growth_whose_acceptance_was_lost_becomes_the_answer(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        await stage.lose()
        reply = asked.reply()
        await reply.show(Snapshot((Text("Two and two"),)))
        await asked.finish(reply, [Text("Two and two is four.")])
        await answered(asked, "Two and two is four.")

    @needs("parts")
    async def test_an_answer_that_was_posted_before_a_crash_and_never_recorded_is_found(self, stage: Stage) -> None:
        """Lost on restart, posted twice."""
        asked = await Asked.on(stage)
        await asked.finish(asked.reply(), [Text("Four.")])
        asked.crash()
        await asked.finish(await found(asked), [Text("Four.")])
        await answered(asked, "Four.")

    @needs("parts", "limit")
    async def test_parts_that_were_posted_before_a_crash_and_never_recorded_are_found(self, stage: Stage) -> None:
        asked, answer = await Asked.on(stage), long_answer(stage)
        await asked.finish(asked.reply(), [Text(answer)])
        asked.crash()
        await asked.finish(await found(asked), [Text(answer)])
        await answered(asked, answer)

    @needs("parts", "editing", "holding")
    async def test_growth_that_a_crash_left_behind_becomes_the_answer(self, stage: Stage) -> None:
        asked = await Asked.on(stage)
        reply = asked.reply()
        await reply.show(Snapshot((Text("Two and two"),)))
        await reads(asked, "Two and two")
        await reply.aclose()
        asked.crash()
        await asked.finish(await found(asked), [Text("Two and two is four.")])
        await answered(asked, "Two and two is four.")

    @needs("editing")
    async def test_a_farewell_makes_way_for_the_answer(self, stage: Stage) -> None:
        """The program leaves in mid-answer, and goes on when it is back."""
        asked = await Asked.on(stage)
        reply = asked.reply()
        await reply.show(Snapshot((Text("Two and two"),)))
        await reply.leave("It goes on soon.")
        await reply.aclose()
        await asked.finish(await found(asked), [Text("Two and two is four.")])
        await answered(asked, "Two and two is four.")

    @needs("parts", "holding")
    async def test_leaving_while_an_answer_is_on_its_way_writes_none_beside_it(self, stage: Stage) -> None:
        """Posted twice."""
        asked = await Asked.on(stage)
        reply = asked.reply()
        await stage.hold()
        finishing = asyncio.create_task(reply.finish([Text("Four.")]))
        await stage.held()
        finishing.cancel()
        await asyncio.wait([finishing])
        leaving = asyncio.create_task(reply.leave("It goes on soon."))
        await asyncio.wait([leaving], timeout=0.2)
        await stage.release()
        await asyncio.wait([leaving])
        await reply.aclose()
        await asked.finish(await found(asked), [Text("Four.")])
        await answered(asked, "Four.")


async def _refused_at_the_end(stage: Stage, status: Literal[429, 500]) -> None:
    asked = await Asked.on(stage)
    await stage.refuse(status)
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.finish(reply, [Text("Four.")])
    await answered(asked, "Four.")
