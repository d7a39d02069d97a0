"""`make sim`: anyone can play, with nothing to sign up for."""

import re
from pathlib import Path

from tests.processes import python
from tests.simulators.slack.client import SlackPeople


async def test_bot_and_simulator_start_together_and_end_together(tmp_path: Path) -> None:
    env = {"MODEL_DISCOVERY": "false", "MODEL_BASE_URL": "", "THREADLINE_CONFIG": str(tmp_path / "none.toml")}
    with python("tests.simulators", "--port", "0", "--data", str(tmp_path), env=env) as playing:
        address = re.findall(r"http://[0-9.:]+", playing.line("Slack, simulated, is at"))[0]
        playing.line("Threadline is at")
        async with SlackPeople(address) as people:
            state = await people.until(lambda now: now.sockets == 1)
            ada, general = state.users[0].id, state.channels[0].id
            root = await people.say(ada, general, "@threadline hello")
            await people.answer(general, root, "scripted reply")
        assert playing.end() == 0
    assert "Traceback" not in playing.output
