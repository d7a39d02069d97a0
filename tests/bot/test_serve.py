"""`threadline serve` and /v1: a stock `openai` client uses the service over TCP."""

import warnings

import openai
import pytest

from assistants.service.scripted import ScriptedReply
from tests.bot.conftest import Start, address
from tests.scripted import Model, connecting

KEY = "sk-ours"


@pytest.mark.parametrize("command", ["serve", "run"])
async def test_a_stock_client_talks_to_an_assistant(
    start: Start, model: Model, model_address: str, command: str
) -> None:
    await model.play(ScriptedReply(text="x equals 1"))
    program = start(command, THREADLINE_API_KEYS=KEY, **connecting(model_address))
    async with openai.AsyncOpenAI(base_url=f"{address(program)}/v1", api_key=KEY) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the SDK marks the whole Assistants API so
            assistant = await client.beta.assistants.create(model="default", instructions="You are a maths tutor.")
            thread = await client.beta.threads.create()
            await client.beta.threads.messages.create(thread.id, role="user", content="3x + 11 = 14?")
            run = await client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
            messages = [m async for m in client.beta.threads.messages.list(thread.id)]
    assert run.status == "completed"
    assert [m.content[0].text.value for m in messages] == ["x equals 1", "3x + 11 = 14?"]  # type: ignore[union-attr]


async def test_a_client_without_a_key_is_refused_as_the_api_refuses(start: Start) -> None:
    program = start("serve", THREADLINE_API_KEYS=KEY)
    async with openai.AsyncOpenAI(base_url=f"{address(program)}/v1", api_key="sk-other", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="THREADLINE_API_KEYS"):
            await client.models.list()
