"""The sandbox is used only where every canary was stopped: each way to leak is found, and told with its cure."""

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants.service.tools import Ended, Limits, Sandbox, SandboxUnavailable
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.canaries import CANARIES, Canary
from assistants.service.tools.probe import SMALL, bait, escape, probe
from assistants.service.tools.process import Process
from assistants.service.tools.session import Session
from tests.tools.conftest import Host


def test_every_canary_is_stopped_by_this_sandbox(host: Host) -> None:
    assert host.ask(do="probe") == {}


FOLDER = tempfile.gettempdir()


class Leaky(Bubblewrap):
    """bubblewrap called with less than all."""

    without: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    keeps_identity = False

    def isolation(self, limits: Limits, seccomp: int | None) -> Iterator[str]:
        arguments = [each for each in super().isolation(limits, seccomp) if each not in self.without]
        place = arguments.index("--remount-ro")
        return iter([*arguments[:place], *self.more, *arguments[place:]])

    def drop(self, slot: int) -> list[str]:
        return [] if self.keeps_identity else super().drop(slot)


class SeesTheHost(Leaky):
    more = ("--ro-bind", FOLDER, FOLDER)


class WritesToTheHost(Leaky):
    more = ("--bind", FOLDER, FOLDER)


class SharesTheNetwork(Leaky):
    without = ("--unshare-net",)


class SeesProcesses(Leaky):
    more = ("--dir", "/proc", "--ro-bind", "/proc", "/proc")


class NoFilter(Leaky):
    """Without the filter of system calls, which is handed over as a number."""

    def isolation(self, limits: Limits, _: int | None) -> Iterator[str]:
        return super().isolation(limits, None)


class StaysRoot(Leaky):
    keeps_identity = True


class NoDiskLimit(Leaky):
    def isolation(self, limits: Limits, seccomp: int | None) -> Iterator[str]:
        return super().isolation(dataclasses.replace(limits, disk=limits.disk * 100), seccomp)


def leaks(kind: type[Leaky]) -> Leaky:
    found = Bubblewrap.find()
    return kind(found.program, found.setpriv)


async def caught(backend: Bubblewrap, name: str) -> str:
    """What the canary of this name gets out with."""
    canary = next(each for each in CANARIES if each.name == name)
    with bait() as laid:
        session = Session(await Process.start(backend, SMALL, slot=1), SMALL, lambda: None)
        try:
            return await escape(session, canary, laid)
        finally:
            await session.close()


@pytest.mark.parametrize(
    ("kind", "canary"),
    [
        (SeesTheHost, "host files"),
        (WritesToTheHost, "writing"),
        (SharesTheNetwork, "sockets"),
        (SeesProcesses, "processes"),
        (NoFilter, "hidden memory"),
        (NoFilter, "sockets"),
        (NoDiskLimit, "disk"),
    ],
)
async def test_a_sandbox_that_leaks_is_found_out(kind: type[Leaky], canary: str) -> None:
    assert await caught(Bubblewrap.find(), canary) == ""
    assert await caught(leaks(kind), canary)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could stay root")
@pytest.mark.parametrize("canary", ["power", "forks"])
async def test_one_that_stays_root_is_found_out(canary: str) -> None:
    assert await caught(leaks(StaysRoot), canary)


async def test_one_that_leaks_is_refused_with_reason_and_cure() -> None:
    with pytest.raises(SandboxUnavailable) as refused:
        await probe(leaks(SharesTheNetwork))
    assert "Code in the sandbox could open connections" in refused.value.reason
    assert refused.value.cure


def test_every_canary_says_what_its_escape_would_mean() -> None:
    assert len({canary.name for canary in CANARIES}) == len(CANARIES) >= 12
    assert all(isinstance(canary, Canary) and canary.escape for canary in CANARIES)


async def test_without_bubblewrap_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxUnavailable, match=r"not installed\. Install it: apt install bubblewrap"):
        await Sandbox.open()


@pytest.mark.parametrize(
    "says",
    ["bwrap: No permissions to create new namespace", "bwrap: Creating new namespace failed: Operation not permitted"],
)
async def test_where_namespaces_are_forbidden_the_cure_is_said(tmp_path: Path, says: str) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n", "utf-8")
    program.chmod(0o755)
    with pytest.raises(SandboxUnavailable) as refused:
        await probe(dataclasses.replace(Bubblewrap.find(), program=str(program)))
    assert says in refused.value.reason
    assert ("container" if os.geteuid() == 0 else "user namespaces") in refused.value.cure


async def test_a_bubblewrap_that_cannot_be_run_is_an_end_with_a_reason(tmp_path: Path) -> None:
    backend = dataclasses.replace(Bubblewrap.find(), program=str(tmp_path / "none"))
    with pytest.raises(Ended, match="did not start: No such file"):
        await Process.start(backend, SMALL, slot=1)
