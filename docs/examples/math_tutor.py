"""A math tutor with the code interpreter: streams its answer, then shows the code that it ran.

ASSISTANTS_BASE_URL=http://127.0.0.1:8321/v1 ASSISTANTS_API_KEY=… MODEL=default python docs/examples/math_tutor.py
"""

import asyncio
import os

from assistants.connector import Snapshot
from assistants.contract import CodeInterpreterCall, LogsOutput, MessageDelta, ToolCalls
from threadline import AssistantsClient

BASE_URL = os.environ.get("ASSISTANTS_BASE_URL", "http://127.0.0.1:8321/v1")
API_KEY = os.environ.get("ASSISTANTS_API_KEY")
MODEL = os.environ.get("MODEL", "default")
QUESTION = "Solve 3x + 11 = 14, and check the solution by running code."


async def main() -> None:
    async with AssistantsClient(BASE_URL, API_KEY) as client:
        tutor = await client.assistants.create(
            model=MODEL,
            name="Math Tutor",
            instructions="You are a personal math tutor. Write and run code to answer math questions.",
            tools=[{"type": "code_interpreter"}],
        )
        stream = client.threads.create_and_stream(
            assistant_id=tutor.id, thread={"messages": [{"role": "user", "content": QUESTION}]}
        )
        async with stream as events:
            async for event in events:
                if isinstance(event.data, MessageDelta):
                    print(event.data.text, end="", flush=True)
        show_code(events.snapshot)
        if events.run is not None:
            error = events.run.last_error
            print(f"\nThe run is {events.run.status}.", error.message if error else "")
            await client.threads.delete(events.run.thread_id)
        await client.assistants.delete(tutor.id)


def show_code(snapshot: Snapshot) -> None:
    """Show the code that was run, and its output."""
    for step in snapshot.steps:
        if isinstance(step.step_details, ToolCalls):
            for call in step.step_details.tool_calls:
                if isinstance(call, CodeInterpreterCall):
                    print(f"\n--- code\n{call.code_interpreter.input}")
                    for output in call.code_interpreter.outputs:
                        if isinstance(output, LogsOutput):
                            print(f"--- printed\n{output.logs}")


if __name__ == "__main__":
    asyncio.run(main())
