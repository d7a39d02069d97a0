"""The Makefile: one command on a fresh machine, and no second set-up without a reason."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.processes import Process

UV = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
LINUX, ARM, MAC, WINDOWS = (
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
MUSL = "x86_64-unknown-linux-musl"
# A make within `make test` would otherwise behave, and speak, as a part of it.
OUTERMOST = {"MAKEFLAGS": "", "MAKELEVEL": "0"}


def said(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command says on standard output; it must succeed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **OUTERMOST, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder in which everything has been set up, for development, as far as make can see."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".uv/bin").mkdir(parents=True)
    (tmp_path / ".uv/bin/uv").touch()
    (tmp_path / "node_modules").mkdir()
    names = (
        "requirements.lock",
        "requirements-dev.lock",
        "pyproject.toml",
        "package-lock.json",
        ".venv/bin/python",
        ".venv/installed-dev",
        "node_modules/.installed",
    )
    for age, name in enumerate(reversed(names)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    return tmp_path


def plan(workshop: Path, target: str) -> str:
    """What make would do."""
    return said("make", "--dry-run", "UV=.uv/bin/uv", target, cwd=workshop)


def test_running_again_only_runs(workshop: Path) -> None:
    assert plan(workshop, "run") == "exec .venv/bin/threadline run\n"


def test_running_does_not_take_the_tools_of_development_away(workshop: Path) -> None:
    (workshop / "requirements-dev.lock").touch()
    assert "sync" in plan(workshop, "run")
    assert "requirements-dev.lock" in plan(workshop, "run")


def test_a_folder_set_up_for_running_is_brought_up_to_testing(workshop: Path) -> None:
    (workshop / ".venv/installed-dev").rename(workshop / ".venv/installed-run")
    assert plan(workshop, "run") == "exec .venv/bin/threadline run\n"
    assert "requirements-dev.lock" in plan(workshop, "test")


def test_the_project_is_installed_anew_when_its_description_changes(workshop: Path) -> None:
    (workshop / "pyproject.toml").touch()
    assert "--editable ." in plan(workshop, "run")


def test_help_names_every_command(workshop: Path) -> None:
    listed = said("make", cwd=workshop)
    phony = re.search(r"^\.PHONY: (.+)$", (workshop / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony
    # `locks` is a part of `make check`.
    assert set(phony[1].split()) - set(re.findall(r"^  make (\w+) ", listed, re.MULTILINE)) == {"locks"}


def test_the_wheel_holds_what_the_program_reads_and_no_test(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    build = "import sys, uv_build; uv_build.build_wheel(sys.argv[1])"
    said(sys.executable, "-c", build, str(tmp_path), cwd=ROOT, env={"PATH": path})
    shutil.unpack_archive(next(tmp_path.glob("*.whl")), tmp_path / "wheel", "zip")
    shipped = {str(path.relative_to(tmp_path / "wheel")) for path in (tmp_path / "wheel").rglob("*") if path.is_file()}
    static = {str(path.relative_to(ROOT)) for path in (ROOT / "adapters/web/static").rglob("*") if path.is_file()}
    assert static
    assert static | {"bot/builtin.toml", "bot/py.typed"} <= shipped
    assert not [name for name in shipped if name.startswith(("tests/", "bench/", "docs/"))]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of what is committed."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_one_command_in_a_fresh_clone_serves_the_page_and_the_second_time_sets_nothing_up(clone: Path) -> None:
    outputs = []
    for _ in range(2):
        process = Process("make", "run", env={**OUTERMOST, "PORT": "0", "HOME": str(clone.parent)}, cwd=clone)
        try:
            address = process.line("Threadline is at", seconds=600).split()[-1]
            page = httpx.get(address, timeout=30)
            assert page.status_code == 200
            assert "text/html" in page.headers["content-type"]
        finally:
            process.end()
        outputs.append(process.output)
    assert "Setting up .venv" in outputs[0]
    assert "Setting up .venv" not in outputs[1]


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_where_the_demo_model_has_no_runtime_everything_else_is_set_up_and_that_is_said(clone: Path) -> None:
    words = said("make", ".venv/installed-run", f"UV_FLAGS=--python-platform {MUSL}", cwd=clone)
    assert "Small talk is left out" in words
    installed = {path.name for path in (clone / ".venv").glob("lib/*/site-packages/*")}
    assert "fastapi" in installed
    assert "xllamacpp" not in installed


@pytest.mark.proof
@pytest.mark.parametrize("platform", [LINUX, ARM, MAC, WINDOWS])
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_locked_package_has_a_wheel_for(version: str, platform: str) -> None:
    flags = ["--require-hashes", "--only-binary", ":all:", "--python-version", version, "--python-platform", platform]
    said(UV, "pip", "sync", "--dry-run", "--python", sys.executable, *flags, "requirements.lock", cwd=ROOT)
