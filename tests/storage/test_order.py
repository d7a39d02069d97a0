"""Order under redelivery and late arrival: whatever comes when, and however often, a conversation keeps its order."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from storage import claims, turns
from storage.sqlite import SQLiteDatabase
from tests.storage.claims import claim

ENDED = turns.Ending("answered")
UNASKED = turns.Ending("stopped", unasked=True)
# A number is the delivery of the message that was sent as so-manieth; the others are what happens in between.
Happening = int | str
HAPPENINGS = st.lists(
    st.integers(1, 12) | st.sampled_from(["end", "end one", "interrupt", "die"]), min_size=1, max_size=60
)


class Conversation:
    """One conversation, drained as the program does it; `told` is what each turn took up."""

    def __init__(self, db: SQLiteDatabase) -> None:
        self.delivered: list[int] = []
        self.told: list[list[int]] = []
        self.waiting: set[int] = set()
        self._db = db
        self._open: turns.Opened | None = None

    async def happens(self, what: Happening) -> None:
        if isinstance(what, int):
            await self._arrives(what)
        elif what == "die":
            self._open = await self._db.write(turns.open_next, 1, 1.0) if self.delivered else None
        elif self._open is not None and what == "interrupt":
            # It was never asked, and waits again.
            self.waiting |= set(self.told.pop())
            self._begins(await self._db.write(turns.close_turn, self._open.turn, UNASKED, 2.0))
        elif self._open is not None:
            self._begins(await self._db.write(turns.close_turn, self._open.turn, ENDED, 2.0, one=what == "end one"))

    async def _arrives(self, number: int) -> None:
        fresh = number not in self.delivered
        found = await self._db.write(claims.claim_incoming, claim(f"web:{number}", position=f"{number:03}"))
        assert (found is not None) == fresh
        if found is None:
            return
        self.delivered.append(number)
        self.waiting.add(number)
        if found.opened is not None:
            self._begins(found.opened)

    def _begins(self, opened: turns.Opened | None) -> None:
        self._open = opened
        if opened is not None:
            numbers = [int(message.position) for message in opened.incoming]
            # Nothing that was sent earlier, and is there, is passed over.
            assert numbers == sorted(self.waiting)[: len(numbers)]
            self.waiting -= set(numbers)
            self.told.append(numbers)

    async def drained(self) -> None:
        while self._open is not None:
            await self.happens("end")


@given(HAPPENINGS)
@settings(max_examples=150)
def test_every_message_is_in_exactly_one_turn(happenings: list[Happening]) -> None:
    """Turns end, processes die, and platforms deliver messages twice, late or out of order."""

    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            db = SQLiteDatabase.open(Path(folder) / "order.db")
            conversation = Conversation(db)
            for what in happenings:
                await conversation.happens(what)
            await conversation.drained()
            await db.close()
        assert sorted(number for turn in conversation.told for number in turn) == sorted(conversation.delivered)
        assert conversation.waiting == set()

    asyncio.run(story())
