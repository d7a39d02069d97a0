"""`threadline doctor` says what works and what does not, with the cure; without a sandbox people are told why."""

import shutil

import pytest

from tests.bot.conftest import Start, address
from tests.bot.page import Page
from tests.conftest import ROOT
from tests.scripted import connecting

TUTOR = {"THREADLINE_CONFIG": str(ROOT / "threadline.toml")}
CURE = "bubblewrap is not installed. Install it: apt install bubblewrap, or dnf install bubblewrap."


def said(output: str) -> dict[str, tuple[str, str]]:
    """State and words of every finding, by its name."""
    lines = [line.split(maxsplit=2) for line in output.splitlines()]
    return {name: (state, words) for name, state, words in lines}


def test_where_all_is_well_it_says_so(start: Start, model_address: str) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    process = start("doctor", SANDBOX="auto", **connecting(model_address), **TUTOR)
    assert process.wait(90) == 0
    found = said(process.output)
    assert found["model"] == ("ok", f"scripted answers at {model_address}/v1.")
    assert found["sandbox"][0] == "ok"
    assert "control group" in found["sandbox"][1]
    assert "math-tutor" in found["configuration"][1]
    assert found["database"][0] == "off"
    assert {found[name][0] for name in ("slack", "discord")} == {"off"}


def test_what_is_wrong_comes_with_its_cure(start: Start) -> None:
    wrong = {"MODEL_BASE_URL": "http://127.0.0.1:9/v1", "MODEL": "none", "SLACK_BOT_TOKEN": "nonsense"}
    process = start("doctor", SANDBOX="auto", PATH="/nowhere", **wrong, **TUTOR)
    assert process.wait(90) == 1
    found = said(process.output)
    assert found["sandbox"] == ("WRONG", CURE)
    assert found["model"][1].startswith("Nothing answers at 127.0.0.1:9")
    assert "xoxb-" in found["slack"][1]


def test_a_sandbox_that_no_assistant_needs_is_not_wrong(start: Start) -> None:
    process = start("doctor", SANDBOX="auto", PATH="/nowhere")
    assert process.wait(90) == 0
    assert said(process.output)["sandbox"] == ("off", CURE)


async def test_without_bubblewrap_the_program_runs_and_says_why_code_does_not(start: Start, model_address: str) -> None:
    process = start("run", SANDBOX="auto", PATH="/nowhere", PORT="0", **connecting(model_address), **TUTOR)
    async with Page(address(process)) as page:
        key = "web:00000000-0000-4000-8000-000000000002"
        await page.say(key, "Hello")
        await page.answers(key, 1)
        await page.say(key, "/assistant use math-tutor")
        await page.say(key, "3x + 11 = 14?")
        answers = await page.answers(key, 2)
    assert answers == ["You said: Hello", f"Code cannot be run here. {CURE}"]
