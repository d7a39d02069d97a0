"""The service as a program: `python -m tests.service.program FILE MODEL` says its address on its first line."""

import asyncio
import sys
from pathlib import Path

import click
import uvicorn

from assistants.service.app import create_service
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import Models
from assistants.service.tools import Sandbox
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.interpreter import CodeInterpreter
from assistants.service.tools.limits import Limits
from storage.sqlite import SQLiteDatabase


async def sandbox(limits: Limits) -> Sandbox:
    return Sandbox(Bubblewrap.find(), limits, spares=0)


async def main(file: str, model: str) -> None:
    models = Models()
    models.connect(ChatCompletions(Endpoint(model + "/v1", "", "scripted")))
    database = SQLiteDatabase.open(Path(file))
    service = create_service(database, models, CodeInterpreter(database, sandbox=sandbox))
    await service.start()
    config = uvicorn.Config(service.app, port=0, lifespan="off", log_level="critical")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    click.echo(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1")
    await server.main_loop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
