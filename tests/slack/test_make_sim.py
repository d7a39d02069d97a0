"""`make sim`: anyone can play on both platforms, with nothing to sign up for."""

import re
from pathlib import Path

from tests.processes import Process, python
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack.client import SlackPeople


async def test_bot_and_simulators_start_and_stop_together(tmp_path: Path) -> None:
    configuration = tmp_path / "threadline.toml"
    configuration.touch()
    env = {"MODEL_DISCOVERY": "false", "MODEL_BASE_URL": "", "THREADLINE_CONFIG": str(configuration)}
    with python("tests.simulators", "--port", "0", "--data", str(tmp_path), env=env) as playing:
        await _play_on_slack(_address(playing, "Slack"))
        await _play_on_discord(_address(playing, "Discord"))
        assert playing.end() == 0
    assert "Traceback" not in playing.output


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
