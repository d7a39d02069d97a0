"""An assistant, a thread, a message, a run, and the answer: the six basic steps.

ASSISTANTS_BASE_URL=http://127.0.0.1:8321/v1 ASSISTANTS_API_KEY=… MODEL=default python docs/examples/quickstart.py
"""

import asyncio
import os

from threadline import AssistantsClient

BASE_URL = os.environ.get("ASSISTANTS_BASE_URL", "http://127.0.0.1:8321/v1")
API_KEY = os.environ.get("ASSISTANTS_API_KEY")
MODEL = os.environ.get("MODEL", "default")


async def main() -> None:
    async with AssistantsClient(BASE_URL, API_KEY) as client:
        assistant = await client.assistants.create(
            model=MODEL,
            name="Math Tutor",
            description="An assistant for personal math tutoring",
            instructions="You are a personal math tutor. Help with math questions.",
            tools=[{"type": "code_interpreter"}],
        )
        thread = await client.threads.create()
        await client.threads.messages.create(thread.id, content="Can you help me solve the equation 3x + 11 = 14?")
        run = await client.threads.runs.create(
            thread.id,
            assistant_id=assistant.id,
            model=MODEL,
            instructions="You are a personal math tutor. Help with math questions.",
            temperature=0.7,
            top_p=0.9,
            max_completion_tokens=400,
        )
        run = await client.threads.runs.wait(thread.id, run.id)
        print(f"The run is {run.status}.", run.last_error.message if run.last_error else "")
        async for message in client.threads.messages.list(thread.id, order="asc"):
            print(f"{message.role}: {message.text}")
        await client.threads.delete(thread.id)
        await client.assistants.delete(assistant.id)


if __name__ == "__main__":
    asyncio.run(main())
