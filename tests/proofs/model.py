"""A model for proofs: it answers `You said: …` word by word, and fails as often as it is told to, by a seed.

Where functions are offered, it calls all of them before it answers a question that speaks of calls.
"""

import argparse
import asyncio
import random

import uvicorn

from assistants.service.script import Body, Script, ScriptedCall, ScriptedError, ScriptedReply, asked, echo
from assistants.service.scripted import Announced, ScriptedModel

WORDS = 8
CALLS = "call"


def slow_echo(delay: float, failing: float, seed: int) -> Script:
    """What it makes of a request: `delay` seconds between pieces, a fault with the probability `failing`."""
    dice = random.Random(seed)  # noqa: S311 - a seeded story, not a secret

    def answer(body: Body) -> ScriptedReply:
        if CALLS in asked(body) and body["messages"][-1]["role"] == "user":
            return ScriptedReply(
                tool_calls=tuple(ScriptedCall(tool["function"]["name"], "{}") for tool in body.get("tools", ()))
            )
        text = echo(body).text
        size = max(1, len(text) // WORDS)
        chunks = tuple(text[at : at + size] for at in range(0, len(text), size))
        if dice.random() >= failing:
            return ScriptedReply(chunks=chunks, chunk_delay=delay)
        if dice.random() < 0.5:
            return ScriptedReply(error=ScriptedError(dice.choice([429, 500, 503])))
        return ScriptedReply(chunks=chunks, chunk_delay=delay, cut_after=len(chunks) // 2)

    return answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--failing", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    model = ScriptedModel(script=slow_echo(given.delay, given.failing, given.seed))
    config = uvicorn.Config(model.controlled, host="127.0.0.1", port=0, log_level="error")
    asyncio.run(Announced(config).serve())


if __name__ == "__main__":
    main()
