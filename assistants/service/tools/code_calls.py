"""Code-interpreter calls: their streamed deltas, their text for the model, their figures."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assistants.contract import (
    CodeInterpreterCall,
    CodeInterpreterCallDelta,
    CodeOutput,
    CodeOutputDelta,
    ImageOutput,
    InterpretedCodeDelta,
    LogsOutput,
    OutputImageDelta,
    RunStep,
    ToolCalls,
)

NAME = "code_interpreter"
SHOWN = "[A figure was drawn; the person sees it.]"
NOTHING = "[It printed nothing.]"


def news(index: int, before: CodeInterpreterCall | None, after: CodeInterpreterCall) -> CodeInterpreterCallDelta | None:
    said, new = after.code_interpreter, _deltas(after.code_interpreter.outputs)
    if before is None:
        whole = InterpretedCodeDelta(input=said.input, outputs=new)
        return CodeInterpreterCallDelta(index=index, id=after.id, code_interpreter=whole)
    told = before.code_interpreter
    more: dict[str, Any] = {}
    if len(said.input) > len(told.input) and said.input.startswith(told.input):
        more["input"] = said.input[len(told.input) :]
    if len(new) > len(told.outputs):
        more["outputs"] = new[len(told.outputs) :]
    return CodeInterpreterCallDelta(index=index, code_interpreter=InterpretedCodeDelta(**more)) if more else None


def retold(call: Mapping[str, Any]) -> tuple[str, str]:
    """Return a call's arguments and output as the model reads them."""
    code = call[NAME]
    outputs = [_told(output) for output in code["outputs"]]
    return json.dumps({"code": code["input"]}, ensure_ascii=False), "\n".join(filter(None, outputs)) or NOTHING


def figures(steps: Iterable[RunStep]) -> list[str]:
    """Return files of the figures that a run drew since its last message; the next message shows them."""
    found: list[str] = []
    for step in (step for step in steps if step.status == "completed"):
        if isinstance(step.step_details, ToolCalls):
            calls = (call for call in step.step_details.tool_calls if isinstance(call, CodeInterpreterCall))
            found += [o.image.file_id for c in calls for o in c.code_interpreter.outputs if isinstance(o, ImageOutput)]
        else:
            found = []
    return found


def _told(output: Mapping[str, Any]) -> str:
    return str(output["logs"]).rstrip("\n") if output["type"] == "logs" else SHOWN


def _deltas(outputs: Sequence[CodeOutput]) -> list[CodeOutputDelta]:
    deltas = []
    for index, output in enumerate(outputs):
        if isinstance(output, LogsOutput):
            deltas.append(CodeOutputDelta(index=index, type="logs", logs=output.logs))
        elif isinstance(output, ImageOutput):
            image = OutputImageDelta(file_id=output.image.file_id)
            deltas.append(CodeOutputDelta(index=index, type="image", image=image))
    return deltas
