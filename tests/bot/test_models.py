"""Which model answers is configuration."""

from pathlib import Path

from assistants.service.scripted import ScriptedError, ScriptedReply
from tests.bot.house import PLAIN, house


async def test_conversations_continue_after_a_retired_model_is_replaced_in_the_configuration(tmp_path: Path) -> None:
    """Until the model is replaced, people are told the reason."""
    async with house(tmp_path, configured=f'{PLAIN}model = "first-1"') as first:
        await first.say("one")
        await first.turns(lambda now: bool(now) and now[0]["outcome"] == "answered")
        first.model.play(ScriptedReply(error=ScriptedError(404, "The model `first-1` has been retired.")))
        await first.say("two")
        _, refused = await first.turns(lambda now: len(now) == 2 and now[1]["outcome"] is not None)
        assert refused["outcome"] == "failed"
        assert refused["reason"]
        assert [request["model"] for request in first.model.requests] == ["first-1", "first-1"]
    async with house(tmp_path, configured=f'{PLAIN}model = "second-2"') as second:
        second.said = list(first.said)
        await second.say("three")
        await second.turns(lambda now: len(now) == 3 and now[2]["outcome"] == "answered")
        (request,) = second.model.requests
        assert request["model"] == "second-2"
        assert [message["content"] for message in request["messages"] if message["role"] == "user"] == [
            "one",
            "two",
            "three",
        ]
