"""The example adapter, installed as a package of its own: it keeps the contract, and the program finds it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, Process, threadline

EXAMPLE = ROOT / "docs" / "examples" / "adapter"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its entry point, and nothing else; installed without the network."""
    folder = tmp_path_factory.mktemp("example")
    source, target = folder / "source", folder / "target"
    shutil.copytree(EXAMPLE, source)
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = (sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(source))
    # The build backend looks for its own program on PATH.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_it_keeps_the_adapter_contract(installed: Path, tmp_path: Path) -> None:
    """With its own configuration and its own tests, as its author would run them."""
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    run = Process(sys.executable, "-m", "pytest", "-q", env={"PYTHONPATH": str(installed)}, cwd=tmp_path)
    assert run.wait() == 0, run.output
    assert " passed" in run.output
    assert "skipped" not in run.output


@pytest.mark.parametrize(
    ("file", "kept", "broken", "promise"),
    [
        ("__init__.py", "continue  # not", "pass  # not", "was_not_claimed_is_not_acknowledged"),
        ("reply.py", "{self._turn.tag}.{number}", "{id(self)}.{number}", "finishing_again"),
        ("line.py", 'retryable=said["again"]', "retryable=False", "rate_limit"),
    ],
    ids=["acknowledges too early", "repeats itself", "gives up"],
)
def test_one_that_breaks_a_promise_fails_the_test_of_that_promise(
    installed: Path, tmp_path: Path, file: str, kept: str, broken: str, promise: str
) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    shutil.copytree(installed / "threadline_partyline", tmp_path / "threadline_partyline")
    source = tmp_path / "threadline_partyline" / file
    assert kept in source.read_text("utf-8")
    source.write_text(source.read_text("utf-8").replace(kept, broken), "utf-8")
    run = Process(sys.executable, "-m", "pytest", "-q", "-k", promise, env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert run.wait() == 1, run.output
    assert "1 failed" in run.output


@pytest.fixture
def line(installed: Path, tmp_path: Path) -> Iterator[str]:
    """A party line in a process of its own; gives its address."""
    module = "threadline_partyline.exchange"
    env = {"PYTHONPATH": str(installed)}
    exchange = Process(sys.executable, "-m", module, "--port", "0", env=env, cwd=tmp_path)
    yield exchange.line("The party line is at ").split()[5].rstrip(":")
    exchange.end()


async def test_the_program_finds_it_by_its_entry_point_and_answers_there(
    installed: Path, line: str, tmp_path: Path
) -> None:
    program = threadline("run", env={"PYTHONPATH": str(installed), "PARTYLINE": line}, cwd=tmp_path)
    try:
        program.line("Threadline is at ")
        host, _, port = line.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"ada kitchen\nthreadline: hello\n")
        async with asyncio.timeout(60):
            while b"Welcome to **Threadline**" not in await reader.readline():
                pass
            writer.write(b"2\n")  # the room is engaged: what follows needs no name
            while b"ada: 2" not in await reader.readline():
                pass
            while not (await reader.readline()).startswith(b"threadline: "):
                pass
        writer.close()
        await writer.wait_closed()
    finally:
        assert program.end() == 0, program.output


def test_a_line_that_cannot_be_reached_is_one_sentence(installed: Path, tmp_path: Path) -> None:
    program = threadline("run", env={"PYTHONPATH": str(installed), "PARTYLINE": "127.0.0.1:1"}, cwd=tmp_path)
    assert program.wait() == 2
    assert "check PARTYLINE" in program.output.splitlines()[-1]
    assert "Traceback" not in program.output
