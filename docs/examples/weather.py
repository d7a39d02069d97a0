"""A weather bot that calls two Python functions; the model sees their types and docstrings.

ASSISTANTS_BASE_URL=http://127.0.0.1:8321/v1 ASSISTANTS_API_KEY=… MODEL=default python docs/examples/weather.py
"""

import asyncio
import os
from typing import Literal

from threadline import AssistantsClient

BASE_URL = os.environ.get("ASSISTANTS_BASE_URL", "http://127.0.0.1:8321/v1")
API_KEY = os.environ.get("ASSISTANTS_API_KEY")
MODEL = os.environ.get("MODEL", "default")


async def get_current_temperature(location: str, unit: Literal["Celsius", "Fahrenheit"] = "Celsius") -> str:
    """The temperature at a location right now, such as San Francisco, CA."""
    return f"{57 if unit == 'Fahrenheit' else 14} degrees {unit} in {location}"


def get_rain_probability(location: str) -> float:
    """How likely rain is at a location, from 0 to 1."""
    return 0.06 if "San Francisco" in location else 0.5


async def main() -> None:
    async with AssistantsClient(BASE_URL, API_KEY) as client:
        bot = await client.assistants.create(
            model=MODEL,
            name="Weather Bot",
            instructions="You are a weather bot. Use the functions to answer questions.",
        )
        thread = await client.threads.create(
            messages=[{"role": "user", "content": "What is the weather in San Francisco, and will it rain?"}]
        )
        run = await client.threads.runs.run_tools(
            thread.id, assistant_id=bot.id, functions=[get_current_temperature, get_rain_probability]
        )
        print(f"The run is {run.status}.", run.last_error.message if run.last_error else "")
        async for message in client.threads.messages.list(thread.id, run_id=run.id, order="asc"):
            print(message.text)
        await client.threads.delete(thread.id)
        await client.assistants.delete(bot.id)


if __name__ == "__main__":
    asyncio.run(main())
