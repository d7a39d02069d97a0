"""The disk in memory of a session in WebAssembly: it holds what it may, and refuses the rest as a file system would."""

import errno
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.service.inside.disk import ENTRY, Disk, Entries

MIB = 1 << 20


@dataclass
class Stat:
    kind: str
    size: int
    mtime_ns: int


def disk(size: int = MIB, most: int = 1000, *, too_many: list[bool] | None = None) -> Disk:
    return Disk(size, Entries(most, lambda: (too_many if too_many is not None else []).append(True)), Stat)


def number(refused: pytest.ExceptionInfo[OSError]) -> int | None:
    return refused.value.errno


def test_no_more_than_its_size_is_kept_and_what_is_removed_makes_room() -> None:
    made = disk(size=10_000)
    made.write("/a", b"x" * 6000)
    with pytest.raises(OSError, match="No space left") as refused:
        made.write("/b", b"x" * 6000)
    assert number(refused) == errno.ENOSPC
    assert made.list("/") == [("a", "file")]
    with pytest.raises(OSError, match="No space left"):
        made.write("/a", b"x" * 12_000)
    assert made.read("/a") == b"x" * 6000
    made.remove("/a")
    made.write("/b", b"x" * 6000)


def test_empty_files_fill_it_too_and_long_names_more_so() -> None:
    made = disk(size=10 * ENTRY)
    assert [done(made, "write", f"/{place}", "") for place in range(11)].count(errno.ENOSPC) == 2
    deep = disk(size=100_000)
    ways = ["/" + "/".join(["n" * 100] * depth) for depth in range(1, 100)]
    assert [done(deep, "mkdir", way, "") for way in ways].index(errno.ENOSPC) < 30


def test_too_many_files_are_told_once_they_are_there() -> None:
    told: list[bool] = []
    made = disk(most=3, too_many=told)
    for name in "abc":
        made.mkdir(f"/{name}")
    assert told == []
    with pytest.raises(OSError) as refused:  # noqa: PT011 - which one it is comes next
        made.write("/d", b"")
    assert (number(refused), told) == (errno.EDQUOT, [True])
    made.rmdir("/a")
    made.write("/d", b"")


def test_what_code_wrote_comes_back_once_and_what_was_put_there_does_not() -> None:
    made = disk()
    made.put("in.csv", b"1")
    made.write("/out.txt", b"")
    made.write("/out.txt", b"2")
    made.write("/gone", b"3")
    made.remove("/gone")
    assert made.take_changed() == [("out.txt", b"2")]
    assert made.take_changed() == []
    made.write("/in.csv", b"12")
    assert made.take_changed() == [("in.csv", b"12")]
    made.put("in.csv", b"new")
    assert (made.read("/in.csv"), made.take_changed()) == (b"new", [])


def test_a_folder_moves_with_what_is_in_it() -> None:
    made = disk()
    made.mkdir("/a")
    made.mkdir("/a/b")
    made.write("/a/b/c", b"x")
    made.mkdir("/e")
    made.rename("/a", "/e")
    assert made.read("/e/b/c") == b"x"
    assert made.list("/") == [("e", "dir")]
    with pytest.raises(OSError) as refused:  # noqa: PT011
        made.rename("/e", "/e/b/f")
    assert number(refused) == errno.EINVAL


NAMES = st.sampled_from(["a", "b", "a/c", "a/d", "b/e", "a/c/f"])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["write", "mkdir", "remove", "rmdir", "read", "list"]), NAMES, NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
)


class Real:
    """The same steps on the file system of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, path: str, data: bytes) -> None:
        (self._folder / path[1:]).write_bytes(data)

    def read(self, path: str) -> bytes:
        return (self._folder / path[1:]).read_bytes()

    def list(self, path: str) -> list[tuple[str, str]]:
        return [(each.name, "dir" if each.is_dir() else "file") for each in (self._folder / path[1:]).iterdir()]

    def mkdir(self, path: str) -> None:
        (self._folder / path[1:]).mkdir()

    def remove(self, path: str) -> None:
        (self._folder / path[1:]).unlink()

    def rmdir(self, path: str) -> None:
        (self._folder / path[1:]).rmdir()

    def rename(self, src: str, dst: str) -> None:
        (self._folder / src[1:]).rename(self._folder / dst[1:])


def done(on: Disk | Real, step: str, name: str, other: str) -> object:
    """What comes of a step: an answer, or the number of its error."""
    try:
        if step == "write":
            return on.write(name, b"" if other == "" else name.encode())
        if step == "list":
            return sorted(on.list(name))
        return getattr(on, step)(name, *([other] if step == "rename" else []))
    except OSError as error:
        return error.errno


@given(steps=st.lists(STEPS, max_size=25))
def test_it_does_what_the_file_system_of_this_machine_does(steps: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, real = disk(), Real(Path(folder))
        for step, name, other in steps:
            assert done(made, step, f"/{name}", f"/{other}") == done(real, step, f"/{name}", f"/{other}")
        assert tree(made) == tree(real)


def tree(on: Disk | Real, folder: str = "") -> list[tuple[str, str]]:
    found = [(f"{folder}/{name}", kind) for name, kind in sorted(on.list(folder or "/"))]
    return found + [each for path, kind in found if kind == "dir" for each in tree(on, path)]
