"""Programs out of npm's registry that tests use, each at its exact version, in a folder that git ignores."""

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / ".cache" / "npm"


def installed(package: str, version: str, program: str) -> str:
    """The path of a package's program; skips the test where npm cannot put it there."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = FOLDER / f"{package.replace('/', '+')}@{version}"
    path = folder / "node_modules" / ".bin" / program
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # One package at its exact version: nothing here for a lock file to add.
        options = ("--no-package-lock", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        command = [npm, "install", *options, "--prefix", str(folder), f"{package}@{version}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot install {package}@{version}: {(done.stderr or done.stdout).strip()[-300:]}")
    return str(path)
