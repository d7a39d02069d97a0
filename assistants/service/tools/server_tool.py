"""A tool of the API that the service uses itself: offered to the model, told as it is called, used, told of at the end.

`code_interpreter` and `file_search` are two of these. A run knows them only by this.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistants.contract import Annotation, FunctionTool, Run, ToolCall
from assistants.service.pieces import ModelError
from storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Used:
    """A call with what came of it. `keep` is written in the same transaction as the step that tells of it."""

    call: ToolCall
    keep: Callable[[Transaction], None] | None = None


class ServerTool:
    """One kind of tool. `type` is its name in the API, and the name of the function that the model sees."""

    type: str

    async def start(self) -> None:
        """Make ready; nothing that takes long."""

    async def stop(self) -> None:
        """Leave nothing running."""

    async def offer(self, run: Run) -> Mapping[str, Any] | None:
        """The function as the model sees it: name, description, parameters. None where there is nothing to use it on.

        Raises `ModelError` where the tool cannot be used here, with the reason and the cure.
        """
        raise NotImplementedError

    def call(self, id_: str, arguments: str) -> ToolCall:
        """A call as its step tells it; the arguments, JSON as the model writes it, may still be growing."""
        raise NotImplementedError

    async def use(self, run: Run, call: ToolCall, before: Sequence[ToolCall]) -> Used:
        """Do what was called for, after the calls of its step `before` it. What goes wrong is told to the model.

        It is cancelled with the run. After a crash a call whose step had not ended is used once more.
        """
        raise NotImplementedError

    def forget(self, thread_id: str) -> None:
        """The thread is no more: keep nothing of it. Returns at once."""

    async def unsaid(self, run: Run, text: str) -> str:  # noqa: ARG002 - for those that need them
        """What a message that ends has to say yet, such as a link to a file nobody mentioned."""
        return ""

    async def annotations(self, run: Run, text: str) -> Sequence[Annotation]:  # noqa: ARG002
        """The places in a message's whole text that stand for files."""
        return []


class Toolbox:
    """The tools there are on this server."""

    def __init__(self, *tools: ServerTool) -> None:
        self._tools = {tool.type: tool for tool in tools}

    async def start(self) -> None:
        for tool in self._tools.values():
            await tool.start()

    async def stop(self) -> None:
        for tool in self._tools.values():
            await tool.stop()

    def forget(self, thread_id: str) -> None:
        for tool in self._tools.values():
            tool.forget(thread_id)

    def get(self, type_: str) -> ServerTool | None:
        return self._tools.get(type_)

    def of(self, run: Run) -> dict[str, ServerTool]:
        """The tools of a run that are used here, by name. Raises `ModelError` for one that is not there."""
        functions = {tool.function.name for tool in run.tools if isinstance(tool, FunctionTool)}
        found: dict[str, ServerTool] = {}
        for type_ in (tool.type for tool in run.tools if not isinstance(tool, FunctionTool)):
            if type_ not in self._tools:
                raise ModelError(f"{type_} is not available on this server; take it out of the assistant's tools.")
            if type_ in functions:
                raise ModelError(f"A function cannot be called {type_} beside the tool of that name; rename it.")
            found[type_] = self._tools[type_]
        return found

    async def offered(self, run: Run, *, needed: bool = True) -> list[dict[str, Any]]:
        """The tools of a run as a Chat-Completions model is offered them.

        Raises `ModelError` for one that cannot be used here; where they are not all `needed` it is left out.
        """
        ours, offered = self.of(run), []
        for tool in run.tools:
            if isinstance(tool, FunctionTool):
                offered.append(tool.wire())
                continue
            try:
                function = await ours[tool.type].offer(run)
            except ModelError:
                if needed:
                    raise
                continue
            if function is not None:
                offered.append({"type": "function", "function": dict(function)})
        return offered
