"""The event stream of a page: whatever happens is told once, or harmlessly twice, and a reader who leaves is let go."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx_sse
import pytest

from adapters.web import listen
from assistants.connector import ConnectError
from bot.incoming import Incoming
from bot.segments import Step, Text
from bot.views import Exchange, ModelStatus, Moment
from tests.web.stage import StageBot
from tests.web.test_api import KEY, MESSAGES, message

EVENTS = f"/conversations/{KEY}/events"


class Told:
    """What a page is told, one by one."""

    def __init__(self, events: AsyncIterator[httpx_sse.ServerSentEvent]) -> None:
        self._events = events

    async def next(self, name: str) -> dict[str, Any]:
        """The next event of this name; others are passed over."""
        async for event in self._events:
            if event.event == name:
                found: dict[str, Any] = json.loads(event.data)
                return found
        raise AssertionError(f"the stream ended before {name!r}")


@asynccontextmanager
async def listening(http: httpx.AsyncClient) -> AsyncIterator[Told]:
    async with httpx_sse.aconnect_sse(http, "GET", EVENTS) as source:
        yield Told(source.aiter_sse())


async def test_a_stream_begins_with_the_conversation_as_it_is(http: httpx.AsyncClient, bot: StageBot) -> None:
    await http.post(MESSAGES, json=message("Why?"))
    turn = bot.show(KEY, Text("*Bec"))

    async with listening(http) as told:
        [exchange] = (await told.next("transcript"))["exchanges"]
        growing = await told.next("moment")

    assert (exchange["turn"], exchange["state"]) == (turn, "answering")
    assert (growing["kind"], growing["turn"]) == ("snapshot", turn)
    assert growing["segments"] == [
        {"type": "text", "from": 0, "markdown": "*Bec", "keeps": 0, "blocks": ["<p><em>Bec</em></p>"]}
    ]


async def test_a_turn_that_begins_is_told_with_its_question(http: httpx.AsyncClient, bot: StageBot) -> None:
    async with listening(http) as told:
        assert (await told.next("transcript"))["exchanges"] == []
        sent = message("Why?")
        await http.post(MESSAGES, json=sent)
        asked = await told.next("moment")
        turn = bot.show(KEY, status="Thinking…")
        [exchange] = (await told.next("transcript"))["exchanges"]
        begun = await told.next("moment")
        bot.finish(KEY, Text("Because."))
        ended = await told.next("moment")

    assert (asked["kind"], asked["event"], asked["question"]) == ("asked", f"web:{sent['event']}", "Why?")
    assert (exchange["turn"], exchange["question"], exchange["events"]) == (turn, "Why?", [f"web:{sent['event']}"])
    assert (begun["kind"], begun["status"]) == ("snapshot", "Thinking…")
    assert (ended["kind"], ended["segments"]) == (
        "finished",
        [{"type": "text", "markdown": "Because.", "html": "<p>Because.</p>"}],
    )


async def test_an_answer_that_ended_but_is_not_recorded_yet_is_told(http: httpx.AsyncClient, bot: StageBot) -> None:
    """Between a reply's last word and its outcome's commit the transcript still says that it grows."""
    await http.post(MESSAGES, json=message("Why?"))
    turn = bot.show(KEY, Text("Bec"))
    bot.hub.tell(KEY, Moment("finished", turn, (Text("Because."),)))

    async with listening(http) as told:
        [exchange] = (await told.next("transcript"))["exchanges"]
        ended = await told.next("moment")

    assert exchange["state"] == "answering"
    assert (ended["kind"], ended["segments"]) == (
        "finished",
        [{"type": "text", "markdown": "Because.", "html": "<p>Because.</p>"}],
    )


async def test_what_happens_while_the_transcript_is_read_is_not_lost(http: httpx.AsyncClient, bot: StageBot) -> None:
    """The answer ends after the page's stream was asked for and before its transcript arrived."""
    await http.post(MESSAGES, json=message("Why?"))
    bot.show(KEY, Text("Bec"))
    read = bot.transcript

    async def late(key: str, *, limit: int = 50) -> list[Exchange]:
        found = await read(key, limit=limit)
        bot.finish(KEY, Text("Because."))
        return found

    bot.transcript = late  # type: ignore[method-assign]
    async with listening(http) as told:
        [exchange] = (await told.next("transcript"))["exchanges"]
        moments = [await told.next("moment") for _ in range(2)]

    assert exchange["state"] == "answering"
    assert [moment["kind"] for moment in moments] == ["snapshot", "finished"]
    assert moments[1]["segments"] == [{"type": "text", "markdown": "Because.", "html": "<p>Because.</p>"}]


async def test_a_reply_that_grows_fast_is_told_at_a_readers_pace(http: httpx.AsyncClient, bot: StageBot) -> None:
    """Whole snapshots are cheap only while they are few: what grew in between is skipped, the end never."""
    clock = asyncio.get_running_loop().time
    async with listening(http) as told:
        await told.next("transcript")
        await http.post(MESSAGES, json=message("Why?"))
        began = clock()
        for length in range(1, 150):
            bot.show(KEY, Text("x" * length))
            await http.get("/models")
        bot.finish(KEY, Text("x" * 150))
        lengths: list[int] = []
        while 150 not in lengths:
            moment = await told.next("moment")
            lengths += [segment.get("from", 0) + len(segment["markdown"]) for segment in moment["segments"]]
        took = clock() - began

    assert lengths == sorted(lengths)
    assert len(lengths) <= took / listen.PACE + 2


async def test_a_snapshot_tells_only_what_is_new_on_its_stream(http: httpx.AsyncClient, bot: StageBot) -> None:
    """All of it each time would be quadratic in bytes."""
    await http.post(MESSAGES, json=message("Why?"))
    bot.show(KEY, Text("# One\n\nTwo\n\nThree"))
    async with listening(http) as told, listening(http) as other:
        first = (await told.next("moment"))["segments"]
        bot.show(KEY, Text("# One\n\nTwo\n\nThree four"))
        second = (await told.next("moment"))["segments"]
        [late] = (await other.next("moment"))["segments"]
        bot.show(KEY, Step("Looking"))
        await told.next("moment")
        bot.show(KEY, Text("# One"))
        [again] = (await told.next("moment"))["segments"]

    assert first[0]["blocks"] == ["<h4>One</h4>\n", "<p>Two</p>\n<p>Three</p>"]
    assert (second[0]["from"], second[0]["markdown"]) == (17, " four")
    assert (second[0]["keeps"], second[0]["blocks"][0]) == (1, "<p>Two</p>\n<p>Three four</p>")
    assert (late["from"], late["keeps"]) == (0, 0), "another reader is told from the beginning"
    assert (again["from"], again["keeps"]) == (0, 0), "as is one who saw no text meanwhile"


async def test_half_a_character_does_not_end_the_stream(http: httpx.AsyncClient, bot: StageBot) -> None:
    """A model's tokens may part a surrogate pair."""
    async with listening(http) as told:
        await http.post(MESSAGES, json=message("Smile"))
        await told.next("transcript")
        bot.show(KEY, Text("\ud83d"))
        bot.finish(KEY, Text("\N{GRINNING FACE}"))
        moment = await told.next("moment")
        while moment["kind"] != "finished":
            moment = await told.next("moment")

    assert moment["segments"] == [{"type": "text", "markdown": "\N{GRINNING FACE}", "html": "<p>\N{GRINNING FACE}</p>"}]


async def test_models_are_told_whenever_they_change(http: httpx.AsyncClient, bot: StageBot) -> None:
    assert bot.desk is not None
    async with listening(http) as told:
        before = await told.next("models")
        await bot.desk.set(ModelStatus(connected=False, demo="fetching", demo_done=10, demo_total=100))
        after = await told.next("models")

    assert (before["connected"], before["demo"]) == (False, "absent")
    assert (after["demo"], after["demo_done"], after["demo_total"]) == ("fetching", 10, 100)


async def test_the_stream_ends_with_the_program(http: httpx.AsyncClient, bot: StageBot) -> None:
    """An open page must not keep the port from closing."""
    async with listening(http) as told:
        await told.next("transcript")
        bot.hub.close()
        with pytest.raises(AssertionError, match="the stream ended"):
            await told.next("never")


async def test_a_page_that_leaves_is_let_go(http: httpx.AsyncClient, bot: StageBot) -> None:
    async with listening(http) as told:
        await told.next("transcript")
        assert KEY in bot.hub._watchers
    await bot.left.wait()

    assert bot.hub._watchers == {}


async def test_a_quiet_stream_gives_a_sign_of_life(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "SIGN_OF_LIFE", 0.01)
    async with listening(http) as told:
        await told.next("transcript")
        assert await told.next("here") == {}


async def test_a_server_that_cannot_be_reached_is_said_on_the_stream(http: httpx.AsyncClient, bot: StageBot) -> None:
    async def unreachable(key: str, *, limit: int = 50) -> list[Exchange]:
        raise ConnectError("assistants.example.org cannot be reached.")

    bot.transcript = unreachable  # type: ignore[method-assign]
    async with listening(http) as told:
        assert await told.next("problem") == {"error": "assistants.example.org cannot be reached."}
    answer = await http.get(f"/conversations/{KEY}")

    gc.collect()  # the error's traceback still holds the watcher
    assert bot.hub._watchers == {}, "a watcher that never began to listen is forgotten, too"
    assert answer.status_code == 502
    assert answer.json() == {"error": "assistants.example.org cannot be reached."}


async def test_two_pages_of_one_conversation_are_told_the_same(http: httpx.AsyncClient, bot: StageBot) -> None:
    async with listening(http) as one, listening(http) as other:
        await asyncio.gather(one.next("transcript"), other.next("transcript"))
        await http.post(MESSAGES, json=message("Why?"))
        heard = await asyncio.gather(one.next("moment"), other.next("moment"))

    assert heard[0] == heard[1]
    assert isinstance(bot.received[0], Incoming)
