"""The interface of server-side tools: offered to the model, called by it, run by the service.

`code_interpreter` and `file_search` implement it; runs use them only through it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistants.contract import Annotation, FunctionTool, Run, ToolCall
from assistants.service.pieces import ModelError
from storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Used:
    """A call with its result. `keep` is written in the same transaction as the step that reports it."""

    call: ToolCall
    keep: Callable[[Transaction], None] | None = None


class ServerTool:
    """A server-side tool. `type` is its name in the API and the function name for the model."""

    type: str

    async def start(self) -> None:
        """Prepare the tool; must return quickly."""

    async def stop(self) -> None:
        """Stop everything that runs."""

    async def offer(self, run: Run) -> Mapping[str, Any] | None:
        """Return the function for the model: name, description, parameters. None if there is nothing to use it on.

        Raises `ModelError` with reason and cure if the tool cannot be used here.
        """
        raise NotImplementedError

    def call(self, id_: str, arguments: str) -> ToolCall:
        """Return a call as its step shows it; `arguments` is JSON that may be incomplete."""
        raise NotImplementedError

    async def use(self, run: Run, call: ToolCall, before: Sequence[ToolCall]) -> Used:
        """Run the call after the step's calls `before` it. Failures are reported to the model.

        Cancelled with the run. After a crash, a call of an unfinished step is run again.
        """
        raise NotImplementedError

    def forget(self, thread_id: str) -> None:
        """Drop all state of a deleted thread. Returns at once."""

    async def unsaid(self, run: Run, text: str) -> str:  # noqa: ARG002 - for those that need them
        """Return text to append to a finished message, such as a link to a file it does not mention."""
        return ""

    async def annotations(self, run: Run, text: str) -> Sequence[Annotation]:  # noqa: ARG002
        """Return the annotations: parts of the message's text that refer to files."""
        return []


class Toolbox:
    """The tools available on this server."""

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
        """Return a run's server-side tools by name. Raises `ModelError` for an unknown one."""
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
        """Return a run's tools in Chat-Completions form.

        Raises `ModelError` for a tool that cannot be used here, or omits it unless all are `needed`.
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
