"""The tool calls of one step as the model writes them: functions for the caller, and server-side tools."""

from collections.abc import Mapping
from dataclasses import dataclass

from assistants.contract import (
    CalledFunction,
    FunctionCall,
    RequestedCall,
    RequestedCalls,
    RequestedFunction,
    RequiredAction,
    RunStep,
    ToolCall,
    ToolCallDelta,
    ToolCalls,
)
from assistants.service.pieces import CallPiece
from assistants.service.tools.server_tool import ServerTool
from assistants.service.tools.telling import news


@dataclass(slots=True)
class _Growing:
    id: str
    name: str
    arguments: str
    tool: ServerTool | None
    told: ToolCall | None = None

    @property
    def call(self) -> ToolCall:
        if self.tool is not None:
            return self.tool.call(self.id, self.arguments)
        return FunctionCall(id=self.id, function=CalledFunction(name=self.name, arguments=self.arguments))


class Calls:
    """Growing tool calls. `tools` are the server-side ones, by the name that the model uses."""

    def __init__(self, tools: Mapping[str, ServerTool]) -> None:
        self._tools = tools
        self._calls: list[_Growing] = []

    def add(self, piece: CallPiece) -> ToolCallDelta | None:
        """Add a piece of a call. Return its event delta, if any."""
        if piece.index == len(self._calls):
            name = piece.name or ""
            self._calls.append(_Growing(piece.id or "", name, "", self._tools.get(name)))
        growing = self._calls[piece.index]
        growing.arguments += piece.arguments
        call = growing.call
        if (told := news(piece.index, growing.told, call)) is not None:
            growing.told = call
        return told

    def details(self) -> ToolCalls:
        return ToolCalls(tool_calls=[growing.call for growing in self._calls])


def calls_of(step: RunStep) -> list[ToolCall]:
    return step.step_details.tool_calls if isinstance(step.step_details, ToolCalls) else []


def needs_outputs(step: RunStep) -> RequiredAction | None:
    """Return the action that a step requires of the caller; None when all calls are server-side."""
    functions = [call for call in calls_of(step) if isinstance(call, FunctionCall)]
    if not functions:
        return None
    asked = [(c.id, RequestedFunction(name=c.function.name, arguments=c.function.arguments)) for c in functions]
    calls = [RequestedCall(id=id_, function=function) for id_, function in asked]
    return RequiredAction(submit_tool_outputs=RequestedCalls(tool_calls=calls))


def is_ours(step: RunStep) -> bool:
    """Return whether a step calls a server-side tool."""
    return any(not isinstance(call, FunctionCall) for call in calls_of(step))
