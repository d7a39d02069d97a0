"""Tests know nothing of the developer's own settings."""

import os
import subprocess
import sys
from pathlib import Path

from bot.settings import load_settings
from tests.conftest import ROOT


def test_no_setting_of_the_developer_reaches_a_test(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-from-file\n", "utf-8")
    (tmp_path / "test_settings.py").write_text(
        "from bot.settings import load_settings\n"
        "def test_settings():\n"
        "    settings = load_settings()\n"
        "    assert not settings.slack_bot_token.get_secret_value()\n"
        "    assert not settings.model_api_key.get_secret_value()\n"
        "    assert not settings.model_discovery\n",
        "utf-8",
    )
    env = {**os.environ, "MODEL_API_KEY": "from-environment", "MODEL_DISCOVERY": "true", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.conftest",
        "test_settings.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_this_very_run_is_clean() -> None:
    assert load_settings().model_discovery is False
    assert not Path(".env").exists()
