"""What every test stands on: an environment that says nothing about the developer, and the reference data."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from bot.settings import Settings
from tests.scripted import Model, scripted_model

# How long a case may take depends on the machine, and is no property of the code.
hypothesis_settings.register_profile("threadline", deadline=None)
hypothesis_settings.load_profile("threadline")

ROOT = Path(__file__).resolve().parent.parent
# Other people's documents, which are not part of this repository: the OpenAPI description of the Assistants API
# (openapi.yaml), a recorded stream of it, the JSON schema of Slack's app manifests, and notes on what the servers of
# Slack and Discord send (wire.md).
FACTS = Path(os.environ.get("THREADLINE_FACTS", ROOT.parent / "shared" / "facts"))
FACTS_ABSENT = (
    "the reference data are not on this machine: see CONTRIBUTING.md, or set THREADLINE_FACTS to their folder"
)
NO_CONTROL_GROUPS = "this machine lets nobody here make control groups"
# What no installation brings about. Whatever else is missing can be there, and must.
CANNOT_BE_HERE = (FACTS_ABSENT, NO_CONTROL_GROUPS)


def pytest_configure(config: pytest.Config) -> None:
    """Forget the developer's settings before any test module is imported; look for no model servers, probe nothing."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ["MODEL_DISCOVERY"] = "false"
    os.environ["SANDBOX"] = "off"
    # The tests start hundreds of programs. Each would compile all its modules where bytecode is not kept.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".cache" / "bytecode")


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests work in an empty folder, so that no `.env` and no `data` of the developer is found there."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def shared_facts() -> Path:
    """The folder of the reference data."""
    if not FACTS.is_dir():
        pytest.skip(FACTS_ABSENT)
    return FACTS


@pytest.fixture(scope="module")
def model_address() -> Iterator[str]:
    """A scripted model in a process of its own, one a module."""
    with scripted_model() as address:
        yield address


@pytest.fixture
async def model(model_address: str) -> AsyncIterator[Model]:
    """What a test says to it."""
    model = Model(model_address)
    yield model
    await model.aclose()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: Any) -> None:
    """With THREADLINE_NO_SKIP=1 a skipped test has failed, unless what it needs cannot be on this machine."""
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("THREADLINE_NO_SKIP") != "1":
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(known in reason for known in CANNOT_BE_HERE):
        report.outcome = "failed"
        report.longrepr = f"THREADLINE_NO_SKIP=1, and this was skipped. {reason}"
