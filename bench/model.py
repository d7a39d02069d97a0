"""A model for benchmarks: answers at once, after two seconds, or at length with a code fence, as the question asks.

    python -m bench.model

prints its address.
"""

import asyncio

import uvicorn

from assistants.service.script import Body, ScriptedReply, asked
from assistants.service.scripted import Announced, ScriptedModel

SLOWLY, AT_LENGTH = "slowly", "at length"
PIECES, SECONDS = 20, 2.0
CODE = "\n".join(f"    print({number!r}, 'of many lines of one program')" for number in range(70))
PROSE = " ".join(f"Sentence {number} of an answer that is long." for number in range(70))
LONG = f"{PROSE}\n\n```python\ndef many():\n{CODE}\n```\n\nThat is all of it."


def script(request: Body) -> ScriptedReply:
    question = asked(request)
    if AT_LENGTH in question:
        return ScriptedReply(text=LONG)
    if SLOWLY in question:
        pieces = tuple(f"Word {number} of many. " for number in range(PIECES))
        return ScriptedReply(chunks=(*pieces, "The end."), chunk_delay=SECONDS / (PIECES + 1))
    return ScriptedReply(text="It is four. The end.")


def main() -> None:
    config = uvicorn.Config(ScriptedModel(script=script).controlled, host="127.0.0.1", port=0, log_level="error")
    asyncio.run(Announced(config).serve())


if __name__ == "__main__":
    main()
