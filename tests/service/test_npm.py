"""A stock `openai` client out of npm does what its own documentation shows."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from assistants.service.scripted import ScriptedCall, ScriptedModel, ScriptedReply
from tests.npm import installed

VERSION = "7.57.0"
SCRIPT = Path(__file__).with_name("stock.mjs")


async def test_the_npm_sdk_streams_calls_polls_lists_and_searches(
    tcp: httpx.AsyncClient, script: ScriptedModel
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    folder = Path(await asyncio.to_thread(installed, "openai", VERSION, "openai")).parents[2]
    script.play(
        ScriptedReply(tool_calls=(ScriptedCall("weather", '{"city": "Oslo"}'),)), ScriptedReply(text="It rains.")
    )
    process = await asyncio.create_subprocess_exec(
        node,
        "--input-type=module",
        "--eval",
        SCRIPT.read_text(),
        cwd=folder,
        env={**os.environ, "BASE_URL": str(tcp.base_url)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert said.decode().strip().endswith("all well"), said.decode()
