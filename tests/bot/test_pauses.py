"""How long a turn rests before its next try."""

from hypothesis import example, given
from hypothesis import strategies as st

from bot.adapter import PlatformError
from bot.settling import COMMIT
from bot.turns import LONGEST_PAUSE, seconds_before_retry


@given(tries=st.integers(1, 100_000), asked=st.none() | st.floats(0, 86_400))
@example(tries=1024, asked=None)
@example(tries=1, asked=0.3)
def test_the_pause_before_a_retry_covers_late_effects_and_the_requested_wait(tries: int, asked: float | None) -> None:
    seconds = seconds_before_retry(tries, PlatformError("away", retry_after=asked))
    assert COMMIT <= seconds <= max(LONGEST_PAUSE, asked or 0)
    assert seconds >= (asked or 0)
