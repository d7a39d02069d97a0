"""Checks on requests, refused with the API's own errors."""

from collections.abc import Sequence

from assistants.contract import Failure, Run, invalid, missing_parameter, wrong_prefix
from assistants.contract import NamedToolChoice as Named

# A write may touch 200 rows, some of which are needed besides the messages.
MOST_MESSAGES = 190


class Refused(Exception):
    """The request is answered with an API error."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def expect_id(parameter: str, value: str, prefix: str) -> str:
    if not value.startswith(prefix):
        raise Refused(wrong_prefix(parameter, value, prefix))
    return value


def expect_at_most(parameter: str, items: Sequence[object], most: int) -> None:
    if len(items) > most:
        why = f"array too long. Expected an array with maximum length {most}, "
        got = f"but got an array with length {len(items)} instead"
        raise Refused(invalid(parameter, why + got, code="array_above_max_length"))


def expect_possible(run: Run) -> Run:
    """Return the run if its options are consistent."""
    strategy = run.truncation_strategy
    if strategy and strategy.type == "last_messages" and strategy.last_messages is None:
        raise Refused(missing_parameter("truncation_strategy.last_messages"))
    _expect_choice(run)
    return run


def _expect_choice(run: Run) -> None:
    choice = run.tool_choice
    if choice not in (None, "none", "auto") and not run.tools:
        raise Refused(_no("tool_choice", "'tool_choice' is only allowed when 'tools' are specified"))
    if isinstance(choice, Named):
        name = choice.function.name if choice.function else None
        names = [tool.function.name for tool in run.tools if tool.type == "function"]  # type: ignore[union-attr]
        if choice.type == "function" and name not in names:
            raise Refused(_no("tool_choice", f"Tool choice '{name}' not found in 'tools' parameter"))
        if choice.type not in [tool.type for tool in run.tools]:
            raise Refused(_no("tool_choice", f"Tool choice '{choice.type}' not found in 'tools' parameter"))


def _no(parameter: str, why: str) -> Failure:
    return Failure(400, f"Invalid value for '{parameter}': {why}.", code="invalid_value", param=parameter)
