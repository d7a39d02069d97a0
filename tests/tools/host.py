"""The sandbox's host as a program of its own, so that tests can be its user or its root: a line of JSON, an answer."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from assistants.service.tools import Ended, InputRefused, Limits, Sandbox, SandboxUnavailable
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.measuring import descendants
from assistants.service.tools.probe import probe
from assistants.service.tools.wasi import Wasi


async def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    backend = await Wasi.find(Path(sys.argv[2])) if sys.argv[2:] else Bubblewrap.find()
    async with Sandbox(backend, limits, spares=0) as sandbox:
        say({"pid": os.getpid()})
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            try:
                say(await answer(sandbox, asked))
            except (Ended, InputRefused, SandboxUnavailable) as error:
                say({"error": type(error).__name__, "text": str(error)})


async def answer(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    match asked:
        case {"do": "probe"}:
            await probe(sandbox.backend)
            return {}
        case {"do": "end", "key": key}:
            await sandbox.end(key)
            return {"processes": descendants(os.getpid()), "sessions": sandbox.sessions}
        case {"do": "put", "key": key, "name": name, "data": data}:
            async with sandbox.session(key) as session:
                await session.put(name, base64.b64decode(data))
            return {}
    async with sandbox.session(asked["key"]) as session:
        outcome = await session.run(asked["code"])
    files = [[each.name, base64.b64encode(each.data).decode(), each.is_figure] for each in outcome.produced]
    kept = {"output": outcome.output, "failed": outcome.failed, "ended": outcome.ended, "left": outcome.left}
    return {**kept, "files": files}


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
