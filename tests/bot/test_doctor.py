"""`threadline doctor` says what works and what does not, with the cure; without a sandbox people are told why."""

import asyncio
import shutil
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from assistants.service.scripted import ScriptedModel
from tests.bot.conftest import Start, address
from tests.bot.page import Page
from tests.conftest import ROOT
from tests.scripted import connecting
from tests.serving import serving

TUTOR = {"THREADLINE_CONFIG": str(ROOT / "threadline.toml")}
CURE = "bubblewrap is not installed. Install it: apt install bubblewrap, or dnf install bubblewrap."


def said(output: str) -> dict[str, tuple[str, str]]:
    """State and words of every finding, by its name."""
    lines = [line.split(maxsplit=2) for line in output.splitlines()]
    return {name: (state, words) for name, state, words in lines}


def test_doctor_reports_a_working_setup(start: Start, model_address: str) -> None:
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


def test_doctor_reports_each_problem_with_its_remedy(start: Start) -> None:
    wrong = {"MODEL_BASE_URL": "http://127.0.0.1:9/v1", "MODEL": "none", "SLACK_BOT_TOKEN": "nonsense"}
    process = start("doctor", SANDBOX="auto", PATH="/nowhere", **wrong, **TUTOR)
    assert process.wait(90) == 1
    found = said(process.output)
    assert found["sandbox"] == ("WRONG", CURE)
    assert found["model"][1].startswith("Nothing answers at 127.0.0.1:9")
    assert "xoxb-" in found["slack"][1]


def model_table(name: str, base_url: str, *more: str) -> str:
    return "\n".join([f'[models."{name}"]', f'base_url = "{base_url}"', *more, ""])


async def picky(request: Request) -> Response:
    """A model server that wants a key, and knows one model."""
    if request.headers.get("authorization") != "Bearer sk-the-right-key":
        return JSONResponse({"error": {"message": "No."}}, 401)
    if request.url.path.endswith("/models"):
        return JSONResponse({"object": "list", "data": [{"id": "known"}]})
    return JSONResponse({"error": {"message": "The model does not exist."}}, 404)


async def test_doctor_tries_every_configured_model(start: Start, tmp_path: Path) -> None:
    routes = [Mount("/good", ScriptedModel().app), Route("/picky/v1/{rest:path}", picky, methods=["GET", "POST"])]
    async with serving(routes, end_watching=lambda: None) as server:
        tables = [
            model_table("quick", f"{server}/good/v1", 'model = "scripted"'),
            model_table("half-an-address", f"{server}/good", 'model = "scripted"'),
            model_table("locked", f"{server}/picky/v1", 'api_key_env = "WRONG_KEY"'),
            model_table("unknown", f"{server}/picky/v1", 'api_key_env = "RIGHT_KEY"'),
            model_table("without-key", f"{server}/picky/v1", 'api_key_env = "NO_KEY"'),
            model_table("gone", "http://127.0.0.1:9/v1"),
        ]
        (tmp_path / "threadline.toml").write_text("\n".join(tables))
        process = start("doctor", SANDBOX="off", WRONG_KEY="sk-a-wrong-key", RIGHT_KEY="sk-the-right-key")
        assert await asyncio.to_thread(process.wait, 90) == 1
    place = server.removeprefix("http://")
    assert {name: found for name, found in said(process.output).items() if name.startswith("models.")} == {
        "models.quick": ("ok", f"scripted answers at {server}/good/v1."),
        "models.half-an-address": (
            "WRONG",
            f"scripted answers at {server}/good/v1: set models.half-an-address.base_url to this address.",
        ),
        "models.locked": ("WRONG", f"{place} refused the key; check it and paste it again (it answered 401)."),
        "models.unknown": ("WRONG", f"{place} has no model named unknown; it has known."),
        "models.without-key": (
            "WRONG",
            "models.without-key.api_key_env names NO_KEY, which is not set in the environment.",
        ),
        "models.gone": (
            "WRONG",
            "Nothing answers at 127.0.0.1:9; check that the server is running and that the port is right.",
        ),
    }
    assert "sk-" not in process.output


def test_doctor_reports_a_missing_sandbox_as_off_if_no_assistant_needs_it(start: Start) -> None:
    process = start("doctor", SANDBOX="auto", PATH="/nowhere")
    assert process.wait(90) == 0
    assert said(process.output)["sandbox"] == ("off", CURE)


async def test_without_bubblewrap_the_program_runs_and_explains_why_code_does_not(
    start: Start, model_address: str
) -> None:
    process = start("run", SANDBOX="auto", PATH="/nowhere", PORT="0", **connecting(model_address), **TUTOR)
    async with Page(address(process)) as page:
        key = "web:00000000-0000-4000-8000-000000000002"
        await page.say(key, "Hello")
        await page.answers(key, 1)
        await page.say(key, "/assistant use math-tutor")
        await page.say(key, "3x + 11 = 14?")
        answers = await page.answers(key, 2)
    assert answers == ["You said: Hello", f"Code cannot be run here. {CURE}"]
