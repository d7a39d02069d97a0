"""`make sim`: anyone can play on both platforms, with nothing to sign up for."""

import os
import re
import signal
from pathlib import Path

from tests.processes import Process, python
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack.client import SlackPeople


async def test_bot_and_simulators_start_and_stop_together(tmp_path: Path) -> None:
    with python("tests.simulators", "--port", "0", "--data", str(tmp_path), env=_env(tmp_path)) as playing:
        await _play_on_slack(_address(playing, "Slack"))
        await _play_on_discord(_address(playing, "Discord"))
        assert playing.end() == 0
    assert "Traceback" not in playing.output
    assert "The simulation has ended, and its workspaces with it" in playing.output


async def test_a_killed_bot_is_started_again_and_a_terminated_one_ends_the_simulation(tmp_path: Path) -> None:
    with python("tests.simulators", "--port", "0", "--data", str(tmp_path), env=_env(tmp_path)) as playing:
        async with SlackPeople(_address(playing, "Slack")) as people:
            for number in (signal.SIGKILL, signal.SIGTERM):
                await people.until(lambda now: now.sockets == 1)
                os.kill(int(re.findall(r"Threadline is process (\d+)", playing.output)[-1]), number)
                if number == signal.SIGKILL:
                    await people.until(lambda now: now.sockets == 0)
        assert playing.wait() == 0
    assert playing.output.count("Threadline is process") == 2
    assert "The simulation has ended, and its workspaces with it" in playing.output


def _env(tmp_path: Path) -> dict[str, str]:
    configuration = tmp_path / "threadline.toml"
    configuration.touch()
    return {"MODEL_DISCOVERY": "false", "MODEL_BASE_URL": "", "THREADLINE_CONFIG": str(configuration)}


def _address(playing: Process, platform: str) -> str:
    said = playing.line(f"{platform}, simulated, is at")
    playing.line("Threadline is at")
    return str(re.findall(r"http://[0-9.:]+", said)[0])


async def _play_on_slack(address: str) -> None:
    async with SlackPeople(address) as people:
        state = await people.until(lambda now: now.sockets == 1)
        ada, general = state.users[0].id, state.channels[0].id
        root = await people.say(ada, general, "@threadline hello")
        await people.answer(general, root, "no model wrote this")


async def _play_on_discord(address: str) -> None:
    async with DiscordPeople(address) as people:
        state = await people.until(lambda now: now.sockets == 1)
        ada, general = state.users[0].id, state.channels[0].id
        thread = await people.say(ada, general, "@threadline hello")
        await people.answer(thread, "no model wrote this")
