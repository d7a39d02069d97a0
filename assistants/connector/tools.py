"""A set of Python functions as the tools of a run."""

import asyncio
from collections.abc import Iterable

from assistants.connector.functions import Described, Function, FunctionFailedError, failed
from assistants.contract import FunctionTool, RequestedCall, ToolOutput


class Toolbox:
    """Functions by name. Plain ones run in threads, asynchronous ones are awaited, all calls concurrently."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, Described] = {}
        for described in map(Described.of, functions):
            if described.name in self._functions:
                raise ValueError(f"Two functions are called {described.name!r}: a model could not tell them apart.")
            self._functions[described.name] = described

    @property
    def tools(self) -> list[FunctionTool]:
        """Return the tool definitions for the model."""
        return [FunctionTool(function=described.definition) for described in self._functions.values()]

    async def outputs(self, calls: Iterable[RequestedCall]) -> list[ToolOutput]:
        """Return the output of every call; a failure becomes text for the model instead of an exception."""
        wanted = [*calls]
        results = await asyncio.gather(*(self._output(call) for call in wanted))
        return [ToolOutput(tool_call_id=call.id, output=said) for call, said in zip(wanted, results, strict=True)]

    async def _output(self, call: RequestedCall) -> str:
        described = self._functions.get(call.function.name)
        if described is None:
            return failed(f"There is no function {call.function.name!r}; there are {', '.join(self._functions)}.")
        try:
            return await described.result(call.function.arguments)
        except FunctionFailedError as error:
            return error.output
