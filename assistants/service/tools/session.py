"""A sandbox session: a Python process that keeps its state between calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from assistants.service.tools.limits import Limits, size
from assistants.service.tools.process import Ended, Frame, Process

_LONGEST_NAME = 200


class InputRefused(Exception):
    """A file cannot be put into the working folder; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Produced:
    """A file that code wrote into the working folder, by its path there, or a figure it drew (a PNG)."""

    name: str
    data: bytes = field(repr=False)
    is_figure: bool = False


@dataclass(slots=True)
class Outcome:
    """The result of a call. `failed` means that the code raised; `output` then ends with the traceback.

    `ended` is a sentence if the session ended, losing its variables and files; `left` names files too many or too
    large to return.
    """

    output: str = ""
    failed: bool = False
    produced: list[Produced] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    ended: str = ""


class Session:
    """Only one caller at a time; `Sandbox.session` ensures that."""

    def __init__(self, process: Process, limits: Limits, on_end: Callable[[], None]) -> None:
        self._process = process
        self._limits = limits
        self._on_end = on_end
        self.files: set[str] = set()
        """Names of the files that were put into the working folder."""
        self.used = False
        """Whether code was run."""

    @property
    def ended(self) -> str:
        return self._process.ended

    async def put(self, name: str, data: bytes) -> None:
        """Put a file into the working folder, replacing one of the same name. Raises `InputRefused`, `Ended`."""
        _expect_name(name)
        async with self._process.call():
            await self._process.send({"do": "put", "name": name}, data)
            answer = await self._process.receive()
        if answer.kind != "done":
            why = str(answer.fields.get("why", ""))[:200]
            raise InputRefused(f"{name} ({size(len(data))}) does not fit into the working folder: {why}.")
        self.files.add(name)

    async def warm(self) -> None:
        """Import commonly used libraries. Raises `Ended`."""
        async with self._process.call():
            await self._process.send({"do": "warm"})
            await self._process.receive()

    async def run(self, code: str) -> Outcome:
        """Run code and return its outcome. Raises `Ended` only if the session had already ended."""
        if self.ended:
            raise Ended(self.ended)
        outcome = Outcome()
        self.used = True
        try:
            async with self._process.call() as output:
                await self._process.send({"do": "run", "code": code})
                while (frame := await self._process.receive()).kind != "done":
                    await self._take(frame, outcome)
                outcome.failed = frame.fields.get("failed") is True
        except Ended:
            outcome.failed = True
        outcome.output = output.text()
        outcome.ended = self.ended
        return outcome

    async def _take(self, frame: Frame, outcome: Outcome) -> None:
        """Accept returned files, unless their number, size or names differ from what the kernel would send."""
        name = frame.fields.get("name")
        if not isinstance(name, str) or not _is_inside(name):
            await self._process.broken()
        elif frame.kind == "left":
            outcome.left.append(name)
        else:
            outcome.produced.append(Produced(name, frame.blob, is_figure=frame.kind == "figure"))
        size_so_far = sum(len(each.data) for each in outcome.produced)
        too_many = len(outcome.produced) > self._limits.returned_files or len(outcome.left) > self._limits.files
        if too_many or size_so_far > self._limits.returned:
            await self._process.broken()

    async def close(self, reason: str = "It was closed.") -> None:
        await self._process.kill(reason)
        self._on_end()


def _expect_name(name: str) -> None:
    is_plain = name not in ("", ".", "..") and not any(letter in "/\\" or not letter.isprintable() for letter in name)
    if not is_plain or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise InputRefused(f"{name[:80]!r} is no file name: use a short one without folders in it.")


def _is_inside(path: str) -> bool:
    return bool(path) and path.isprintable() and not path.startswith("/") and ".." not in path.split("/")
