"""A platform's rate limit is kept, and everybody waits in turn."""

from hypothesis import given
from hypothesis import strategies as st

from bot.budget import Budget


class Clock:
    """A clock that stands still until a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]), st.booleans()), max_size=40))
def test_calls_never_exceed_the_limit_in_any_window(calls: int, asked: list[tuple[float, bool]]) -> None:
    clock, made = Clock(), list[float]()
    budget = Budget(calls, 1.0, clock=clock)
    for pause, waits in asked:
        clock.now += pause
        if waits:
            made.append(clock.now + budget.book())
        elif budget.take():
            made.append(clock.now)
    assert made == sorted(made)
    # Sums of floats may differ in their last digit.
    assert all(later - earlier > 0.999 for earlier, later in zip(made, made[calls:], strict=False))


def test_a_call_waits_no_longer_than_necessary() -> None:
    clock = Clock()
    budget = Budget(2, 1.0, clock=clock)
    assert [budget.book() for _ in range(5)] == [0.0, 0.0, 1.0, 1.0, 2.0]
    assert not budget.take()
    clock.now = 2.0
    assert (budget.left, budget.take()) == (1, True)
