"""What every test stands on: an environment that says nothing about the developer, and the reference data."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.internal.constants_ast import Constants

from bot.settings import Settings
from tests.scripted import Model, scripted_model

# How long a case may take depends on the machine, and is no property of the code. The cases are the same on every run;
# `--hypothesis-seed=N` finds others.
hypothesis_settings.register_profile("threadline", deadline=None)
hypothesis_settings.load_profile("threadline")
# Hypothesis would also draw the constants of whichever of our modules are loaded, which depends on the tests that ran
# before in the same process. It has no setting for that.
pytest.MonkeyPatch().setattr("hypothesis.internal.conjecture.providers._get_local_constants", Constants)

ROOT = Path(__file__).resolve().parent.parent
# Other people's documents, which are not part of this repository, by their names in one folder.
FACTS = Path(os.environ.get("THREADLINE_FACTS", ROOT.parent / "shared" / "facts"))
WHAT_THEY_ARE = {
    "openapi.yaml": "the OpenAPI description of OpenAI's API",
    "create-thread-and-run.sse.txt": "a recorded stream of the Assistants API",
    "slack-manifest.schema.2.json": "Slack's JSON schema of app manifests",
    "wire.md": "notes on what the servers of Slack and Discord send",
}
FACTS_ABSENT = "is missing in the folder of reference data (THREADLINE_FACTS, see CONTRIBUTING.md)"
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


class Facts:
    """The reference data: `facts / name` is the path of a file, and skips the test where it is missing."""

    def __truediv__(self, name: str) -> Path:
        if not (FACTS / name).is_file():
            pytest.skip(f"{name} ({WHAT_THEY_ARE[name]}) {FACTS_ABSENT}")
        return FACTS / name


@pytest.fixture(scope="session")
def shared_facts() -> Facts:
    """The reference data."""
    return Facts()


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
