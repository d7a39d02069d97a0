"""One run on a conversation's thread: found again or created, followed to its end, read as segments."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from assistants.connector import AssistantsClient, StreamBroken
from assistants.contract import TERMINAL, Message, MessageDelta, Run

TAG = "turn"
DEADLINE = 660.0  # a run expires after ten minutes; the server says so a moment later


@dataclass(frozen=True, slots=True)
class Question:
    """What a turn asks: the people's messages, as they came. `tag` is the turn's name on the server."""

    tag: str
    thread_id: str
    assistant_id: str
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that ended, with the text it wrote."""

    run: Run
    text: str


Grew = Callable[[str], Awaitable[None]]
Began = Callable[[Run], Awaitable[None]]


async def find(client: AssistantsClient, question: Question) -> Run | None:
    """The newest run that an earlier try of this turn created."""
    page = await client.threads.runs.list(question.thread_id, order="desc", limit=20).page()
    for run in page.data:
        if (run.metadata or {}).get(TAG, "").partition(".")[0] == question.tag:
            return run
    return None


async def ask(client: AssistantsClient, question: Question, *, began: Began, grew: Grew) -> Outcome:
    """Post the messages and run the assistant in one request; `grew` is told the whole text as it grows.

    A stream that breaks after the run began is followed by polling the same run.
    """
    run: Run | None = None
    texts: dict[str, str] = {}
    messages = [{"role": "user", "content": text, "metadata": {TAG: question.tag}} for text in question.texts]
    try:
        async with client.threads.runs.stream(
            question.thread_id,
            assistant_id=question.assistant_id,
            additional_messages=messages,
            metadata={TAG: f"{question.tag}.1"},
        ) as events:
            async for event in events:
                if isinstance(event.data, Run):
                    if run is None:
                        await began(event.data)
                    run = event.data
                elif isinstance(event.data, MessageDelta):
                    texts[event.data.id] = texts.get(event.data.id, "") + event.data.text
                    await grew(_joined(texts.values()))
                elif isinstance(event.data, Message):
                    texts[event.data.id] = event.data.text
    except StreamBroken:
        if run is None:
            raise
        return await follow(client, run)
    if run is None or run.status not in TERMINAL:
        raise StreamBroken("the stream ended before its run did")
    return Outcome(run, _joined(texts.values()))


async def follow(client: AssistantsClient, run: Run) -> Outcome:
    """Wait for a run's end, and read what it wrote from the thread."""
    ended = await client.threads.runs.wait(run.thread_id, run.id, deadline=DEADLINE)
    written = [m async for m in client.threads.messages.list(run.thread_id, run_id=run.id, order="asc", limit=100)]
    return Outcome(ended, _joined(message.text for message in written))


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))
