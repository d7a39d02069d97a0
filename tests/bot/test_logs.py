"""No secret in a log."""

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.logs import configure_logs, redacted
from bot.settings import Settings


@pytest.fixture
def at_debug() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs(Settings(log_level="debug", _env_file=None))
    yield
    root.handlers[:], _ = before
    root.setLevel(before[1])


@pytest.mark.parametrize(
    "line",
    [
        "Invalid response status, url='wss://wss.slack.com/link/?ticket={}&app_id=A1'",
        "GET https://example.org/file?token={} refused",
        "PATCH https://discord.com/api/v10/webhooks/123456/{}/messages/@original",
        "POST https://discord.com/api/v10/interactions/123456/{}/callback",
    ],
)
def test_tokens_issued_by_platforms_are_redacted_in_urls(line: str) -> None:
    assert redacted(line.format("s3cret-T1cket_"), set()) == line.format("***")


@pytest.mark.parametrize("write", [str, json.dumps, partial(json.dumps, ensure_ascii=False), repr])
@given(secret=st.text(min_size=8))
@example(secret="Schlüssel")
def test_a_secret_is_hidden_however_a_line_escapes_it(write: Callable[[str], str], secret: str) -> None:
    written = write(secret)
    hidden = redacted(f"failed: {written}", {secret})
    assert hidden in ("failed: ***", f"failed: {written[0]}***{written[-1]}")


@pytest.mark.usefixtures("at_debug")
@pytest.mark.parametrize("library", ["discord.any", "slack_bolt.any", "slack_sdk.any"])
def test_at_debug_level_platform_libraries_log_neither_tokens_nor_messages(library: str) -> None:
    assert logging.getLogger().isEnabledFor(logging.DEBUG)
    assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)
    assert logging.getLogger(library).isEnabledFor(logging.INFO)
