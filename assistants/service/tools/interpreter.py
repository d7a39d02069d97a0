"""The `code_interpreter` tool: one sandboxed Python session per thread."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from assistants.contract import (
    Annotation,
    CodeInterpreterCall,
    CodeOutput,
    ImageOutput,
    InterpretedCode,
    LogsOutput,
    OutputImage,
    Run,
    ToolCall,
)
from assistants.service.pieces import ModelError
from assistants.service.tools import written
from assistants.service.tools.arguments import argument
from assistants.service.tools.bubblewrap import WORK
from assistants.service.tools.bytecode import LIBRARIES, missing
from assistants.service.tools.code_calls import NAME
from assistants.service.tools.inputs import inputs_of, place
from assistants.service.tools.limits import Limits
from assistants.service.tools.process import Ended
from assistants.service.tools.refusal import SandboxUnavailable
from assistants.service.tools.sandbox import Sandbox
from assistants.service.tools.server_tool import ServerTool, Used
from assistants.service.tools.session import Outcome, Session
from storage import objects
from storage.database import Database

ABOUT = f"""\
Runs Python and returns what it prints; the value of a last expression is printed too. Variables stay for the next \
call. There is no network. The working folder is {WORK}. Figures are shown to the person. To hand over a file, write \
it there and link it in the answer as [NAME](sandbox:{WORK}/NAME)."""
PARAMETERS = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The Python to run."}},
    "required": ["code"],
    "additionalProperties": False,
}
NEW_SESSION = "[This is a new session: variables and files of earlier calls are gone.]"
NO_CODE = '[There was no code to run: call with {"code": "…"}.]'

Opener = Callable[[Limits], Awaitable[Sandbox]]

logger = logging.getLogger(__name__)


class CodeInterpreter(ServerTool):
    """`sandbox` opens a sandbox or raises `SandboxUnavailable`; the default probes this machine at service start."""

    type = NAME

    def __init__(self, db: Database, limits: Limits | None = None, *, sandbox: Opener = Sandbox.open) -> None:
        self._db = db
        self._limits = limits or Limits()
        self._opener = sandbox
        self._missing: Sequence[str] = missing()
        self._opening: asyncio.Task[Sandbox] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start probing the machine, which takes some seconds; the first call waits for the result."""
        self._opening = asyncio.create_task(self._open(), name="sandbox-probe")
        self._opening.add_done_callback(_tell)

    async def stop(self) -> None:
        opening, self._opening = self._opening, None
        if opening is None:
            return
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            await asyncio.gather(*self._ending, return_exceptions=True)
            await opening.result().__aexit__()

    async def offer(self, run: Run) -> Mapping[str, Any]:
        # Only a call waits for the probe; creating a run does not.
        if self._opening is not None and self._opening.done():
            await self._sandbox()
        there = ", ".join(map(str, await inputs_of(self._db, run)))
        usable = ", ".join(name for name in LIBRARIES if name not in self._missing)
        about = [ABOUT, f"{usable} can be imported." if usable else "", f"Files there: {there}." if there else ""]
        return {"name": NAME, "description": " ".join(filter(None, about)), "parameters": PARAMETERS}

    def call(self, id_: str, arguments: str) -> ToolCall:
        return CodeInterpreterCall(id=id_, code_interpreter=InterpretedCode(input=argument(arguments, "code")))

    async def use(self, run: Run, call: ToolCall, before: Sequence[ToolCall]) -> Used:  # noqa: ARG002
        assert isinstance(call, CodeInterpreterCall)  # noqa: S101 - `call` makes no other kind
        code = call.code_interpreter.input
        if not code.strip():
            return Used(_with(call, [LogsOutput(logs=NO_CODE)]))
        try:
            async with (await self._sandbox()).session(run.thread_id) as session:
                notes = await self._prepare(session, run)
                outcome = await session.run(code)
        except Ended as error:
            return Used(_with(call, [LogsOutput(logs=f"[{error}]")]))
        stored = await written.store(self._db, run.id, run.thread_id, outcome.produced)
        logs = _logs([*notes, *self._lacks(outcome)], outcome)
        images = [ImageOutput(image=OutputImage(file_id=id_)) for id_ in stored.figures]
        return Used(_with(call, [*([LogsOutput(logs=logs)] if logs else []), *images]), stored.keep)

    def forget(self, thread_id: str) -> None:
        opening = self._opening
        if opening is not None and opening.done() and not opening.cancelled() and opening.exception() is None:
            ending = asyncio.create_task(opening.result().end(thread_id), name=f"forget {thread_id}")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def unsaid(self, run: Run, text: str) -> str:
        return written.unlinked(await objects.files_written(self._db, run.thread_id), run.id, text)

    async def annotations(self, run: Run, text: str) -> Sequence[Annotation]:
        if written.LINK not in text:
            return []
        return written.annotations(await objects.files_written(self._db, run.thread_id), text)

    async def _prepare(self, session: Session, run: Run) -> list[str]:
        """Copy input files. Return notes for the model on them and on a session that was restarted."""
        is_new = not session.used and await objects.has_called(self._db, run.thread_id, NAME)
        refused = await place(self._db, session, await inputs_of(self._db, run), self._limits)
        return [*([NEW_SESSION] if is_new else []), *(f"[{sentence}]" for sentence in refused)]

    def _lacks(self, outcome: Outcome) -> list[str]:
        """Return what the operator can do about a library that code failed to import."""
        wanted = [name for name in self._missing if outcome.failed and f"No module named '{name}'" in outcome.output]
        return [f"[{name} is not installed here; it comes with Threadline's extra `sandbox`.]" for name in wanted]

    async def _open(self) -> Sandbox:
        sandbox = await self._opener(self._limits)
        self._missing = sandbox.backend.missing
        return await sandbox.__aenter__()

    async def _sandbox(self) -> Sandbox:
        if self._opening is None:
            raise ModelError("The service is not running.")
        try:
            return await asyncio.shield(self._opening)
        except SandboxUnavailable as error:
            raise ModelError(f"Code cannot be run here. {error}") from None


def _tell(opening: asyncio.Task[Sandbox]) -> None:
    if opening.cancelled():
        return
    error = opening.exception()
    if error is None:
        logger.info("The sandbox stopped every canary: code can be run")
    elif isinstance(error, SandboxUnavailable):
        logger.info("Code will not be run: %s", error)
    else:
        logger.error("The sandbox could not be probed", exc_info=error)


def _with(call: CodeInterpreterCall, outputs: list[CodeOutput]) -> CodeInterpreterCall:
    return call.model_copy(
        update={"code_interpreter": InterpretedCode(input=call.code_interpreter.input, outputs=outputs)}
    )


def _logs(notes: Sequence[str], outcome: Outcome) -> str:
    """Return what the code printed, with notes on its session before and after."""
    after = []
    if outcome.left:
        after.append(f"[Not handed back, since they are too many or too large: {', '.join(outcome.left[:20])}.]")
    if outcome.ended:
        after.append(f"[{outcome.ended} Its variables and files are gone; the next call starts in a new session.]")
    if not notes and not after:
        return outcome.output
    return "\n".join(filter(None, [*notes, outcome.output.rstrip("\n"), *after]))
