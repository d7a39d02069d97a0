"""A function's own rules: what is told of it, its limits, and how what is wrong with it is said."""

import asyncio
import threading
from pathlib import Path

import pytest

from assistants.connector import FunctionFailedError
from bot.adapter import ConfigurationError
from bot.configuration import load_configuration
from bot.functions.function import MOST_AT_ONCE
from bot.functions.loading import load_functions
from threadline import function

TABLE = '\n[assistants.bot]\ntitle = "Bot"\nfunctions = ["rain"]\n'
RAIN = """
from threadline import function

@function(read_only=True)
def rain(city: str) -> float:
    return 0.5
"""


def test_a_decorated_function_can_still_be_called() -> None:
    @function(read_only=True)
    def rain(city: str) -> str:
        """How likely rain is."""
        return f"0.5 in {city}"

    @function
    def snow() -> int:
        return 3

    assert rain("Ulm") == "0.5 in Ulm"
    assert snow() == 3
    assert (rain.read_only, rain.repeatable, snow.read_only) == (True, False, False)
    assert rain.tool.function.description == "How likely rain is."


async def test_a_slow_call_times_out_and_a_hanging_function_is_not_called_again() -> None:
    go = threading.Event()

    @function(read_only=True, seconds=0.05)
    def slow() -> str:
        go.wait(60)
        return "done"

    try:
        late = await asyncio.gather(*(slow.result("") for _ in range(MOST_AT_ONCE)), return_exceptions=True)
        assert {str(error) for error in late} == {"slow timed out after 0.05 seconds."}
        with pytest.raises(FunctionFailedError, match=f"{MOST_AT_ONCE} earlier calls are still running"):
            await slow.result("")
    finally:
        go.set()


async def test_an_asynchronous_call_that_takes_too_long_is_cancelled() -> None:
    cancelled = asyncio.Event()

    @function(seconds=0.01)
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(FunctionFailedError, match=r"timed out after 0\.01 seconds"):
        await slow.result("")
    assert cancelled.is_set()


async def test_a_long_output_is_cut_and_says_so() -> None:
    @function(characters=10)
    def long() -> str:
        return "0123456789" * 5 + "\0"

    assert await long.result("") == "0123456789\n[Cut here: 10 of 50 characters.]"


async def test_system_exit_and_stop_iteration_are_reported_as_failures() -> None:
    @function
    def leaves() -> None:
        raise SystemExit(3)

    @function
    def stops() -> None:
        raise StopIteration

    for each, words in ((leaves, "SystemExit"), (stops, "StopIteration")):
        with pytest.raises(FunctionFailedError, match=words):
            await each.result("")


def loaded(folder: Path, head: str, functions: str = RAIN) -> list[str]:
    (folder / "mine.py").write_text(functions)
    (folder / "threadline.toml").write_text(head + TABLE)
    return list(load_functions(load_configuration(folder / "threadline.toml"), folder))


def test_functions_are_loaded_from_a_file_next_to_the_configuration(tmp_path: Path) -> None:
    assert loaded(tmp_path, 'functions = ["mine.py"]') == ["rain"]


@pytest.mark.parametrize(
    ("head", "functions", "words"),
    [
        ("", RAIN, "assistants.bot.functions: there is no function 'rain'; there are none."),
        ('functions = ["yours.py"]', RAIN, "line 1: functions: there is no file 'yours.py' in "),
        ('functions = ["no_such_module"]', RAIN, "No module named 'no_such_module'."),
        ('functions = ["mine.py"]', "1 / 0", "functions: mine.py cannot be loaded: division by zero."),
        (
            'functions = ["mine.py"]',
            "def rain(city: str): ...",
            "mine.py contains no function marked with @threadline.function.",
        ),
        ('functions = ["mine.py"]', RAIN.replace("city: str", "city"), "its argument 'city' has no type"),
        ('functions = ["mine.py"]', RAIN.replace("rain", "file_search"), "file_search is the name of a tool"),
        ('functions = ["mine.py"]', RAIN.replace("rain", "snow"), "there is no function 'rain'; there are snow."),
    ],
)
def test_an_invalid_function_is_reported_in_one_sentence(tmp_path: Path, head: str, functions: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, head, functions)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_functions_with_the_same_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(RAIN)
    with pytest.raises(ConfigurationError, match="there is another function called rain"):
        loaded(tmp_path, 'functions = ["mine.py", "other.py"]')
