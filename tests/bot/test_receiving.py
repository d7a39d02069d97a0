"""What cannot be looked up is not lost: its platform, or its adapter, brings it again."""

from pathlib import Path
from typing import Any

import pytest

from assistants.service.scripted import ScriptedReply
from bot.adapter import NotClaimedError
from bot.incoming import Incoming
from storage.database import StorageError
from tests.bot.house import ADA, PLACE, house


async def test_a_message_is_not_claimed_while_the_store_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follow-up is meant for the bot only if its conversation is known, and Discord does not redeliver."""
    async with house(tmp_path) as here:
        await here.say("hello")
        await here.turns(lambda now: bool(now) and now[0]["outcome"] is not None)
        follow_up = Incoming("web:2", PLACE, ADA, "still there?", "0002", addressed=False)

        async def failing(sql: str, **values: Any) -> list[Any]:
            raise StorageError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(here.db, "read", failing)
            with pytest.raises(NotClaimedError):
                await here.core.receive(follow_up)
        assert (await here.core.receive(follow_up)).outcome == "accepted"


async def test_no_message_counts_as_the_newest_while_an_earlier_one_could_not_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the search after a restart would begin behind the missing message."""
    async with house(tmp_path) as here:
        await here.core.caught_up("web")
        await here.say("hello")
        heard = await here.core.heard_until("web")

        async def failing(*_: Any, **__: Any) -> Any:
            raise StorageError("disk full")

        missing = Incoming("web:2", PLACE, ADA, "do not lose me", "0002", addressed=True)
        with monkeypatch.context() as patch:
            patch.setattr(here.db, "write", failing)
            with pytest.raises(NotClaimedError):
                await here.core.receive(missing)
        await here.core.receive(Incoming("web:9", PLACE, ADA, "later", "9000", addressed=True))
        assert await here.core.heard_until("web") == heard
        assert (await here.core.receive(missing)).outcome == "accepted"
        assert await here.core.caught_up("web")
        assert await here.core.heard_until("web") == "9000"


async def test_a_search_for_missed_messages_does_not_close_a_newer_gap(tmp_path: Path) -> None:
    """The search may have read a place before the gap, so the next search starts from the same position."""
    async with house(tmp_path) as here:
        await here.core.caught_up("web")
        await here.say("hello")
        await here.say("heard up to here")
        heard = await here.core.heard_until("web")
        here.core.gap("web")
        assert await here.core.heard_until("web") == heard
        here.core.gap("web")
        await here.say("said after the second gap")
        await here.core.caught_up("web")
        await here.say("and this")
        assert await here.core.heard_until("web") == heard
        await here.core.caught_up("web")
        assert await here.core.heard_until("web") == "0004"


async def test_the_word_stop_asked_by_a_command_is_a_question(tmp_path: Path) -> None:
    """The command's response waits for an answer, and would otherwise wait forever."""
    async with house(tmp_path) as here:
        here.model.play(ScriptedReply(chunks=("Half ", "an answer."), hold_after=1))
        await here.say("go on")
        await here.model.held()
        asked = Incoming("web:9", PLACE, ADA, "stop", "0009", addressed=True, reply_to={"response": "1"})
        assert (await here.core.receive(asked)).waits
        here.model.release()
        turns = await here.turns(lambda now: len(now) == 2 and now[1]["outcome"] == "answered")
        assert turns[0]["outcome"] == "answered"
