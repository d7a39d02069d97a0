"""Where control groups can be made each session has one, held to its limits and gone with it; elsewhere it is said why.

The kernel here may have no v2 controllers: where groups may be is tried on folders that look like its own, their life
on the real thing.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assistants.service.tools import Limits, Sandbox
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.cgroups import Group, Groups, NoGroups
from assistants.service.tools.limits import MIB
from tests.conftest import NO_CONTROL_GROUPS
from tests.tools.conftest import SMALL
from tests.tools.own import own_descendants

NAMESPACE_TOP = {"cgroup.events": "populated 1"}


@pytest.fixture
def system(tmp_path: Path) -> Callable[..., Path]:
    """A root folder whose /proc and cgroup file system say that a process is in `own`."""

    def make(own: str = "/unit", **folders: dict[str, str]) -> Path:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(f"3:cpu:/\n0::{own}\n")
        mount = "42 31 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
        (tmp_path / "proc/self/mountinfo").write_text("31 1 8:1 / / rw - ext4 /dev/vda rw\n" + mount)
        for name, files in folders.items():
            folder = tmp_path / "sys/fs/cgroup" / name.lstrip("_").replace("_", "/")
            folder.mkdir(parents=True, exist_ok=True)
            usual = {"cgroup.controllers": "cpu memory pids", "cgroup.subtree_control": "memory pids"}
            for file, text in {**usual, "cgroup.procs": "", **files}.items():
                (folder / file).write_text(text)
        return tmp_path

    return make


def made_in(root: Path) -> list[str]:
    """The folders in which a group was made; unlike a real one's, its files keep it there."""
    top = root / "sys/fs/cgroup"
    return [str(each.parent.relative_to(top)) for each in top.rglob("threadline-*")]


def test_groups_are_made_in_our_own_folder_and_held_to_the_limits(system: Callable[..., Path]) -> None:
    root = system(unit={})
    groups = Groups.find(system=root)
    assert made_in(root) == ["unit"]
    before = set((root / "sys/fs/cgroup/unit").iterdir())
    groups.make(Limits(memory=100 * MIB, disk=40 * MIB, processes=7), 5 * MIB)
    (folder,) = set((root / "sys/fs/cgroup/unit").iterdir()) - before
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written.pop("memory.max") == str((100 + 40 + 10 + 5) * MIB)
    assert written == {"memory.oom.group": "1", "memory.swap.max": "0", "pids.max": "39"}


def test_controllers_that_are_off_are_switched_on(system: Callable[..., Path]) -> None:
    root = system(unit={"cgroup.subtree_control": ""})
    Groups.find(system=root)
    assert (root / "sys/fs/cgroup/unit/cgroup.subtree_control").read_text() == "+memory +pids"


def test_the_folder_above_is_used_only_where_it_is_ours(system: Callable[..., Path]) -> None:
    off = {"cgroup.controllers": ""}
    root = system("/main", _=NAMESPACE_TOP, main=off)
    Groups.find(system=root)
    assert made_in(root) == ["."]


def test_a_folder_that_somebody_else_manages_is_left_alone(system: Callable[..., Path]) -> None:
    """What an operator allows the unit as a whole would not hold for sessions beside it."""
    root = system("/slice/unit", slice={}, slice_unit={"cgroup.controllers": "cpu"})
    with pytest.raises(NoGroups, match=r"slice/unit: no controller of memory and pids there$"):
        Groups.find(system=root)
    assert made_in(root) == []


@pytest.mark.parametrize("own", ["/elsewhere", "/../outside"])
def test_where_nothing_can_be_made_it_says_why(system: Callable[..., Path], own: str) -> None:
    with pytest.raises(NoGroups, match=r"No such file|no cgroup v2 file system"):
        Groups.find(system=system(own, unit={}))


def test_what_a_killed_threadline_left_is_taken_away_and_a_living_ones_is_not(system: Callable[..., Path]) -> None:
    root = system(unit={})
    unit = root / "sys/fs/cgroup/unit"
    gone, ours, foreign = (
        unit / name for name in ("threadline-4194305-0", f"threadline-{os.getppid()}-0", "other-1-0")
    )
    for folder in (gone, ours, foreign):
        folder.mkdir()
    Groups.find(system=root)
    assert (gone.exists(), ours.exists(), foreign.exists()) == (False, True, True)


class OutOfMemory(Group):
    """One whose processes the kernel ended because of their memory."""

    ran_out_of_memory = True


class Unlimited(Groups):
    """The kernel's own groups, also where it has no controllers for them."""

    kind = Group

    def make(self, *_: object) -> Group:
        (folder := self._next()).mkdir()
        return self.kind(folder)


@pytest.fixture
def real() -> Path:
    mounts = Path("/proc/self/mountinfo")
    lines = mounts.read_text().splitlines() if mounts.exists() else []
    for place in (Path(line.split()[4]) for line in lines if " - cgroup2 " in line):
        with contextlib.suppress(OSError):
            (trial := place / f"threadline-{os.getpid()}-trial").mkdir()
            trial.rmdir()
            return place
    pytest.skip(NO_CONTROL_GROUPS)


def ours(real: Path) -> list[Path]:
    return list(real.glob(f"threadline-{os.getpid()}-*"))


def members(group: Path) -> set[int]:
    return set(map(int, (group / "cgroup.procs").read_text().split()))


STARTS_ANOTHER = "import os, time\nos.fork()\ntime.sleep(600)"


async def test_a_session_and_all_it_starts_is_in_a_group_that_goes_with_it(real: Path) -> None:
    async with Sandbox(Bubblewrap.find(), Limits(**SMALL), spares=0, groups=Unlimited(real)) as sandbox:
        async with sandbox.session("a") as session:
            running = asyncio.create_task(session.run(STARTS_ANOTHER))
            (group,) = ours(real)
            async with asyncio.timeout(60):
                while len(members(group)) < 4:  # noqa: ASYNC110 - the processes of the system tell nobody
                    await asyncio.sleep(0.01)
            assert members(group) == set(own_descendants())
            running.cancel()
            await asyncio.wait([running])
            assert ours(real) == []
        async with sandbox.session("b") as session:
            assert (await session.run("6 * 7")).output == "42\n"
            assert len(ours(real)) == 1
    assert ours(real) == []


async def test_what_the_kernel_ended_for_its_memory_is_told_so(real: Path) -> None:
    groups = Unlimited(real)
    groups.kind = OutOfMemory
    sandbox = Sandbox(Bubblewrap.find(), Limits(**SMALL), spares=0, groups=groups)
    async with sandbox, sandbox.session("a") as session:
        running = asyncio.create_task(session.run(STARTS_ANOTHER))
        (group,) = ours(real)
        (group / "cgroup.kill").write_text("1")
        assert (await running).ended == "It used more than 256 MiB of memory and was stopped."


def test_the_kernel_says_whether_memory_was_the_reason(tmp_path: Path) -> None:
    assert not Group(tmp_path).ran_out_of_memory
    (tmp_path / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 0\n")
    assert not Group(tmp_path).ran_out_of_memory
    (tmp_path / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 3\n")
    assert Group(tmp_path).ran_out_of_memory


async def test_where_a_group_cannot_be_made_after_all_sessions_run_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = Sandbox(Bubblewrap.find(), Limits(**SMALL), spares=0, groups=Groups(tmp_path / "gone"))
    async with sandbox, sandbox.session("a") as session:
        assert (await session.run("6 * 7")).output == "42\n"
    assert "without a control group: [Errno 2]" in caplog.text
