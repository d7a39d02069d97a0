"""What an adapter does when its platform refuses: the answer is there in the end, whole and once."""

import asyncio
from typing import Literal

from bot.segments import Snapshot, Text
from bot.testing.asked import Asked
from bot.testing.speaking import answered, long_answer
from bot.testing.stage import Stage, needs


class Trouble:
    """The part of the suite that is about rate limits and servers that fail."""

    @needs("refusals")
    async def test_an_answer_survives_a_rate_limit(self, stage: Stage) -> None:
        await _refused_at_the_end(stage, 429)

    @needs("refusals")
    async def test_an_answer_survives_a_failing_server(self, stage: Stage) -> None:
        await _refused_at_the_end(stage, 500)

    @needs("refusals")
    async def test_showing_never_raises_whatever_the_platform_answers(self, stage: Stage) -> None:
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


async def _refused_at_the_end(stage: Stage, status: Literal[429, 500]) -> None:
    asked = await Asked.on(stage)
    await stage.refuse(status)
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.finish(reply, [Text("Four.")])
    await answered(asked, "Four.")
