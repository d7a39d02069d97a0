"""THREADLINE_NO_SKIP: nothing that was not run passes for green."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FACTS_ABSENT, NO_CONTROL_GROUPS, ROOT


def run_pytest(tests: Path, *, no_skip: bool) -> str:
    """The outcome of a small suite under this repository's conftest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", tests.name]
    env = {**os.environ, "THREADLINE_NO_SKIP": "1" if no_skip else ""}
    env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=tests.parent, env=env, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize(
    ("no_skip", "closing"), [(True, "1 failed, 2 skipped, 1 error"), (False, "4 skipped")], ids=["refused", "allowed"]
)
def test_a_skip_is_a_failure_where_nothing_may_be_skipped_save_for_what_cannot_be_here(
    tmp_path: Path, no_skip: bool, closing: str
) -> None:
    suite = tmp_path / "test_skipping.py"
    suite.write_text(
        "import pytest\n"
        "def test_in_its_body(): pytest.skip('no browser')\n"
        "@pytest.mark.skipif(True, reason='not here')\n"
        "def test_by_its_mark(): pass\n"
        f"def test_without_facts(): pytest.skip({FACTS_ABSENT!r})\n"
        f"def test_without_groups(): pytest.skip({NO_CONTROL_GROUPS!r})\n",
        "utf-8",
    )
    assert closing in run_pytest(suite, no_skip=no_skip)


def test_a_module_that_skips_itself_is_a_failure_too(tmp_path: Path) -> None:
    suite = tmp_path / "test_module.py"
    suite.write_text("import pytest\npytest.skip('no library', allow_module_level=True)\n", "utf-8")
    assert "1 error" in run_pytest(suite, no_skip=True)
