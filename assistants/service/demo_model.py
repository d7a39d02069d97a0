"""Small talk: the demo model, in a local process that starts on demand and ends when idle."""

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import platform
import secrets
import sys
import sysconfig

from assistants.service.endpoints import Endpoint, EndpointError
from assistants.service.weights import Weights

logger = logging.getLogger(__name__)

MODEL_NAME = "smollm2-135m"
IDLE_SECONDS = 600.0
START_SECONDS = 120.0
STOP_SECONDS = 5.0

# Platforms for which the runtime has wheels. Keep in sync with the extra `local`.
_WHEELS = {
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "arm64"),
    ("darwin", "x86_64"),
    ("win32", "AMD64"),
}
# Variables that Python and its libraries need. A server of native code gets none of this process's secrets.
_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
)  # fmt: skip


class SmallTalk:
    """The demo model as an endpoint. The first request starts it and downloads its weights."""

    def __init__(self, weights: Weights, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._weights = weights
        self._idle_seconds = idle_seconds
        self._child: _Child | None = None
        self._one_asks = asyncio.Lock()

    def available(self) -> str | None:
        """Return None, or a sentence that says why it cannot run here."""
        if importlib.util.find_spec("xllamacpp") is not None:
            return None
        if not _has_wheel():
            return (
                f"Small talk's runtime (xllamacpp) has no wheel for {sysconfig.get_platform()}; "
                "connect a model instead."
            )
        return (
            "Small talk's runtime is not installed: run `make run` again, or `pip install -e '.[local]'` in a checkout,"
            " or connect a model instead."
        )

    async def endpoint(self) -> Endpoint:
        """Return the model's endpoint, valid for some minutes. Raises `EndpointError`, such as `WeightsError`."""
        if sentence := self.available():
            raise EndpointError(sentence)
        path = await self._weights.fetch()
        async with self._one_asks:
            if self._child is not None and (base_url := await self._child.hello()):
                return Endpoint(base_url, self._child.key, MODEL_NAME)
            await self._stop()
            return await self._start(str(path))

    async def close(self) -> None:
        """Stop the model and any download of its weights."""
        await self._weights.close()
        async with self._one_asks:
            await self._stop()

    async def _start(self, path: str) -> Endpoint:
        self._child = child = await _Child.start(weights=path, idle_seconds=self._idle_seconds)
        base_url = await child.hello()
        if base_url is None:
            await self._stop()
            raise EndpointError(
                "Small talk's model did not start; the debug log says why. Ask again to start it again, "
                "or connect a model instead."
            )
        return Endpoint(base_url, child.key, MODEL_NAME)

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()


class _Child:
    """The model's process. It exits when its standard input closes, so it never outlives this process."""

    def __init__(self, process: asyncio.subprocess.Process, key: str) -> None:
        self.key = key
        self._process = process
        self._asked = 0
        self._questions, self._answers, log = _pipes(process)
        self._log = asyncio.create_task(_pass_on(log))

    @classmethod
    async def start(cls, *, weights: str, idle_seconds: float) -> "_Child":
        key = secrets.token_urlsafe(32)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "assistants.service.demo_server",
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C goes to this process only, which then ends the child at the right moment.
            start_new_session=True,
        )
        child = cls(process, key)
        threads = max((os.cpu_count() or 1) - 1, 1)
        # On standard input, not as arguments, which every user of the machine can see.
        settings = {"weights": weights, "model": MODEL_NAME, "api_key": key, "threads": threads}
        child._write({**settings, "idle_seconds": idle_seconds})
        return child

    async def hello(self) -> str | None:
        """Return its base URL once it answers there, or None if it is dead. Each answer restarts the idle time."""
        self._asked += 1
        try:
            self._write(self._asked)
            async with asyncio.timeout(START_SECONDS):
                return await self._answer_to(self._asked)
        except (OSError, TimeoutError):
            return None

    async def _answer_to(self, number: int) -> str | None:
        # Answers are numbered, because a cancelled request leaves its answer behind.
        while line := await self._answers.readline():
            answer = json.loads(line)
            if answer["answer_to"] == number:
                return str(answer["base_url"])
        return None

    async def stop(self) -> None:
        self._questions.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._log

    def _write(self, value: object) -> None:
        self._questions.write(json.dumps(value).encode() + b"\n")


def _pipes(
    process: asyncio.subprocess.Process,
) -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("the process was started without pipes")
    return process.stdin, process.stdout, process.stderr


async def _pass_on(lines: asyncio.StreamReader) -> None:
    while line := await lines.readline():
        logger.debug("small talk: %s", line.decode(errors="replace").rstrip())


def _has_wheel() -> bool:
    musl = "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE"))
    return (sys.platform, platform.machine()) in _WHEELS and not musl
