"""Every way to configure Slack wrongly is one sentence that says what to do."""

import subprocess
import sys
from typing import Any

import pytest

from adapters.slack import SlackAdapter
from bot.adapter import ConfigurationError
from bot.settings import Settings
from tests.simulators.slack.client import SlackPeople


def configured(**settings: Any) -> SlackAdapter | None:
    return SlackAdapter.from_settings(Settings(**settings, _env_file=None))


def test_without_tokens_slack_is_off() -> None:
    assert configured() is None


@pytest.mark.parametrize(
    ("bot_token", "app_token", "sentence"),
    [
        ("xoxb-1", "", "SLACK_APP_TOKEN is missing.*App-Level Tokens"),
        ("", "xapp-1", "SLACK_BOT_TOKEN is missing.*OAuth & Permissions"),
        ("xapp-1", "xoxb-1", "swapped"),
        ("xoxp-1", "xapp-1", "SLACK_BOT_TOKEN is the wrong kind of token.*xoxb-"),
        ("xoxb-1", "nonsense", "SLACK_APP_TOKEN is the wrong kind of token.*xapp-"),
    ],
)
def test_missing_or_wrong_tokens_are_named(bot_token: str, app_token: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        configured(slack_bot_token=bot_token, slack_app_token=app_token)
    assert "nonsense" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"slack_bot_token": "xoxb-other"}, r"SLACK_BOT_TOKEN \(invalid_auth\).*OAuth & Permissions"),
        ({"slack_app_token": "xapp-other"}, r"SLACK_APP_TOKEN \(invalid_auth\).*Socket Mode"),
    ],
)
async def test_a_refusal_by_slack_at_startup_is_explained(
    settings: Settings, slack: SlackPeople, wrong: dict[str, str], sentence: str
) -> None:
    given = settings.model_dump(include={"slack_bot_token", "slack_app_token", "slack_api_base_url"})
    adapter = configured(**{**given, **wrong})
    assert adapter is not None
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        await adapter.connect()
    await adapter.close()
    assert "other" not in str(refused.value)


@pytest.mark.parametrize(("tokens", "said"), [("", "None"), ("xoxb-1 xapp-1", "Slack needs the slack extra")])
def test_without_the_extra_slack_is_off_or_says_how_to_install_it(tokens: str, said: str) -> None:
    program = """
import sys
for name in ("slack_bolt", "slack_sdk"):
    sys.modules[name] = None
from adapters.slack import SlackAdapter
from bot.adapter import ConfigurationError
from bot.settings import Settings
tokens = sys.argv[1].split() or ["", ""]
try:
    print(SlackAdapter.from_settings(Settings(slack_bot_token=tokens[0], slack_app_token=tokens[1], _env_file=None)))
except ConfigurationError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program, tokens], capture_output=True, text=True, check=True)
    assert said in result.stdout
