"""Every way to configure Discord wrongly is one sentence that says what to do."""

import subprocess
import sys
from typing import Any

import pytest

from adapters.discord import DiscordAdapter
from bot.adapter import ConfigurationError
from bot.settings import Settings
from tests.simulators.discord.client import DiscordPeople


def configured(**settings: Any) -> DiscordAdapter | None:
    return DiscordAdapter.from_settings(Settings(**settings, _env_file=None))


def test_without_a_token_discord_is_off() -> None:
    assert configured() is None


async def connecting(settings: Settings, **wrong: str) -> DiscordAdapter:
    given = settings.model_dump(include={"discord_token", "discord_api_base_url", "discord_gateway_url"})
    adapter = configured(**{**given, **wrong})
    assert adapter is not None
    try:
        await adapter.connect()
    finally:
        await adapter.close()
    return adapter


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"discord_token": "other"}, "refuses DISCORD_TOKEN.*Reset Token.*page Bot"),
    ],
)
async def test_a_refusal_by_discord_at_startup_is_explained(
    settings: Settings, discord: DiscordPeople, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        await connecting(settings, **wrong)
    assert "other" not in str(refused.value)


async def test_discord_out_of_reach_at_the_start_does_not_end_the_program(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine may start its programs before its network; the page and other platforms go on meanwhile."""
    await connecting(settings, discord_api_base_url="http://127.0.0.1:1/api/v10")
    assert "DISCORD_API_BASE_URL" in capsys.readouterr().out


async def test_a_content_type_changed_by_a_proxy_is_explained(settings: Settings, discord: DiscordPeople) -> None:
    await discord.settings(content_type="application/json; charset=utf-8")
    with pytest.raises(ConfigurationError, match=r"DISCORD_API_BASE_URL.*Content-Type: application/json"):
        await connecting(settings)
    await discord.settings(content_type="application/json")


@pytest.mark.parametrize(("token", "said"), [("", "None"), ("secret", "Discord needs the discord extra")])
def test_without_the_extra_discord_is_off_or_says_how_to_install_it(token: str, said: str) -> None:
    program = """
import sys
sys.modules["discord"] = None
from adapters.discord import DiscordAdapter
from bot.adapter import ConfigurationError
from bot.settings import Settings
try:
    print(DiscordAdapter.from_settings(Settings(discord_token=sys.argv[1], _env_file=None)))
except ConfigurationError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program, token], capture_output=True, text=True, check=True)
    assert said in result.stdout
