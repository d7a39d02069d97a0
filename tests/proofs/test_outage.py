"""A platform that is away for long: whoever asked is answered when it is back."""

from pathlib import Path

import pytest

from tests.proofs.scenes import SlackScene
from tests.proofs.test_every_point import Program, model

__all__ = ["model"]

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


async def test_a_platform_that_is_unavailable_for_long_is_waited_for(tmp_path: Path, model: str) -> None:
    """Otherwise people would get neither an answer nor a reason."""
    async with SlackScene.on(streams=True) as scene:
        await scene.fresh()
        program = Program(tmp_path / "program", scene, model)
        process = program.start()
        try:
            await scene.connected()
            # Refused more often than a turn may fail, and each time it waits twice as long.
            await scene.away(times=7)
            await scene.ask("hello")
            await scene.until(lambda read: read == ["You said: hello"])
            assert program.rows("select failures from turns") == [(0,)]
        finally:
            process.end()
