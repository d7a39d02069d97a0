"""The suite itself: what an adapter lacks it says, and says truly; an adapter that breaks a promise does not pass."""

import inspect
import subprocess
import sys

import pytest

from bot.testing import AdapterContract, Capability, Stage
from tests.adapters import test_console, test_discord, test_slack, test_web


def promises(suite: type[AdapterContract]) -> set[str]:
    """The tests that pytest finds in it."""
    return {name for name, value in inspect.getmembers(suite, callable) if name.startswith("test_")}


def test_a_platform_like_slack_or_discord_lacks_next_to_nothing() -> None:
    assert promises(test_slack.TestSlackByEdits) == promises(AdapterContract)
    assert promises(test_slack.TestSlackByStreams) == promises(AdapterContract)
    missing = promises(AdapterContract) - promises(test_discord.TestDiscord)
    assert missing == {"test_a_message_that_was_not_claimed_is_not_acknowledged"}


def test_what_a_surface_lacks_takes_away_the_tests_that_need_it_and_no_others() -> None:
    lacking = {test for test in promises(AdapterContract) if getattr(AdapterContract, test).__dict__.get("needs")}
    for suite in (test_web.TestWeb, test_console.TestConsole):
        assert promises(AdapterContract) - promises(suite) <= lacking
        assert "test_an_answer_is_there_whole_and_once_when_finish_returns" in promises(suite)
    assert "test_a_message_delivered_twice_is_the_same_message" in promises(test_web.TestWeb)


@pytest.mark.parametrize("lacks", [{"telepathy": "nobody has it"}, {"clicks": " "}])
def test_what_is_lacking_must_be_known_and_have_its_reason(lacks: dict[Capability, str]) -> None:
    with pytest.raises(TypeError, match="with a reason"):
        type("TestWrong", (AdapterContract,), {}, lacks=lacks)


async def test_what_is_neither_written_nor_said_to_be_missing_fails() -> None:
    with pytest.raises(NotImplementedError, match="must write this, or its suite must say why it lacks 'refusals'"):
        await Stage.refuse(object.__new__(test_web.WebStage), 429)


def test_the_suite_comes_with_the_program_and_needs_nothing_more_to_be_imported() -> None:
    look = "import sys, threadline.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
