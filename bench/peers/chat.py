"""What both minimal bots share: a Chat-Completions stream through the `openai` SDK."""

import os
from collections.abc import AsyncIterator

from openai import AsyncOpenAI


async def words(question: str) -> AsyncIterator[str]:
    """The answer, piece by piece."""
    client = AsyncOpenAI(base_url=os.environ["MODEL_BASE_URL"], api_key=os.environ["MODEL_API_KEY"])
    stream = await client.chat.completions.create(
        model=os.environ["MODEL"], messages=[{"role": "user", "content": question}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and (piece := chunk.choices[0].delta.content):
            yield piece
