"""A reply on Discord: life at once, growth, the whole answer, nothing twice. Over the wire."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

import pytest

from adapters.discord import DiscordAdapter
from adapters.discord.incoming import position
from adapters.discord.render import CONTINUED
from adapters.discord.reply import DiscordReply
from bot.adapter import PartState, PlatformError, Turn
from bot.segments import Notice, Snapshot, Text
from bot.testing import TakingBot
from storage.records import Conversation, IncomingRow, Part
from tests.simulators.common.records import Call
from tests.simulators.discord.client import DiscordPeople
from tests.simulators.discord.records import Interaction, Message

LONG = "".join(f"Line {number} of the long answer.\n" for number in range(150))


@dataclass
class Asked:
    """A question, and the turn that answers it: in a DM, or by mention in a channel (`thread` will be made)."""

    adapter: DiscordAdapter
    discord: DiscordPeople
    channel: str
    question: str
    id: int
    thread: str | None = None
    command: Interaction | None = None
    kept: list[tuple[int, str, PartState]] = field(default_factory=list)
    earlier: Sequence[Part] = ()

    @property
    def home(self) -> str:
        return self.thread or self.channel

    def turn(self, *, suspect: bool = False, parts: Sequence[Part] = ()) -> Turn:
        async def keep(number: int, ref: str, state: PartState) -> None:
            self.kept.append((number, ref, state))

        async def earlier() -> Sequence[Part]:
            return self.earlier

        key = f"discord:{self.home}"
        conversation = Conversation(1, key, "discord", "1", self.channel, self.thread, None, None, 1, None, 0, 0)
        given = self.command
        reply_to = {"application": "1000000000000000001", "token": given.token} if given else 0
        row = IncomingRow(
            1,
            f"discord:{self.question}",
            1,
            position(int(self.question)),
            "U1",
            None,
            "how many legs has a spider?",
            json.dumps(reply_to) if given else None,
            self.id,
            0,
        )
        return Turn(
            id=self.id,
            tag=f"tag{self.id}",
            conversation=conversation,
            incoming=[row],
            author="U1",
            opened_at=time.time(),
            assistant="Tour",
            suspect=suspect,
            parts=parts,
            keep_part=keep,
            earlier=earlier,
        )

    def reply(self, *, suspect: bool = False, parts: Sequence[Part] = ()) -> DiscordReply:
        reply = self.adapter.reply(self.turn(suspect=suspect, parts=parts))
        assert isinstance(reply, DiscordReply)
        return reply

    async def messages(self) -> list[Message]:
        return [message for message in await self.discord.said(self.home) if not message.deleted]

    async def texts(self) -> list[str]:
        return [message.content.removeprefix(CONTINUED) for message in await self.messages()]

    async def calls(self, *methods: str) -> list[Call]:
        calls = (await self.discord.state()).calls
        return [call for call in calls if call.method in methods and call.arguments.get("channel") == self.home]

    async def grown(self, text: str) -> Message:
        return await self.discord.answer(self.home, text)


_numbers = count(1)


@pytest.fixture
async def asked(adapter: DiscordAdapter, discord: DiscordPeople) -> Asked:
    """In a DM of a new person."""
    number = next(_numbers)
    person = await discord.user(f"person{number}")
    dm = await discord.dm(person)
    return Asked(adapter, discord, dm, await discord.say(person, dm, "hello"), number)


@pytest.fixture
async def mentioned(adapter: DiscordAdapter, discord: DiscordPeople) -> Asked:
    """In a new channel of the server."""
    number = next(_numbers)
    person, channel = await discord.user(f"person{number}"), await discord.channel(f"replies-{number}")
    question = await discord.say(person, channel, "@threadline how many legs has a spider?")
    return Asked(adapter, discord, channel, question, number, thread=question)


async def test_the_answer_grows_into_one_message_that_refers_to_the_question(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await asked.discord.until(lambda now: asked.channel in [typing.channel for typing in now.typing])
    await reply.show(Snapshot((Text("Two and"),)))
    await asked.grown("Two and")
    await reply.finish([Text("Two and two is four."), Notice("often wrong")])
    (message,) = await asked.messages()
    assert message.versions == ["Two and", "Two and two is four.\n\n-# often wrong"]
    assert (message.reference, message.pings, message.flags & 4) == (asked.question, [], 4)
    ref = f"discord:{asked.channel}:{message.id}"
    assert asked.kept == [(1, ref, "growing"), (1, ref, "final")]


async def test_only_the_latest_snapshot_is_sent_one_update_at_a_time(asked: Asked) -> None:
    await asked.discord.fault("create_message", hold=True)
    reply = asked.reply()
    await reply.show(Snapshot((Text("zero"),)))
    await asked.discord.until(lambda now: any(c.method == "create_message" and not c.status for c in now.calls))
    for words in ("one", "one two", "one two three"):
        await reply.show(Snapshot((Text(words),)))
    await asked.discord.release()
    await asked.grown("one two three")
    assert (await asked.messages())[0].versions == ["zero", "one two three"]
    await reply.finish([Text("one two three")])


async def test_updates_are_spaced_out(asked: Asked) -> None:
    asked.adapter.pace = 0.2
    reply = asked.reply()
    for number in range(1, 6):
        await reply.show(Snapshot((Text("word " * number),)))
        await asked.grown(("word " * number).strip())
    calls = await asked.calls("create_message", "edit_message")
    assert len(calls) == 5
    assert all(later.at - earlier.at >= 0.19 for earlier, later in pairwise(calls))
    await reply.finish([Text("done")])


async def test_a_growing_update_never_overwrites_the_final_text(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot((Text("ha"),)))
    await asked.grown("ha")
    # discord.py lets one call alone until it knows the limit.
    await reply.show(Snapshot((Text("hal"),)))
    await asked.discord.until(lambda now: "hal" in [m.content for m in now.messages if m.channel == asked.channel])
    await asked.discord.fault("edit_message", hold=True)
    await reply.show(Snapshot((Text("half"),)))
    await asked.discord.until(lambda now: any(c.method == "edit_message" and not c.status for c in now.calls))
    finishing = asyncio.create_task(reply.finish([Text("whole")]))
    await asked.messages()
    await asked.discord.release()
    await finishing
    assert (await asked.messages())[0].versions == ["ha", "hal", "half", "whole"]


async def test_a_long_answer_grows_part_by_part_and_every_part_is_posted_once(asked: Asked) -> None:
    """Otherwise an answer over the limit would fail or be cut."""
    reply = asked.reply()
    await reply.show(Snapshot((Text(LONG[:3_000]),)))
    await asked.discord.until(lambda now: len([m for m in now.messages if m.channel == asked.channel]) == 3)
    await reply.show(Snapshot((Text(LONG),)))
    await reply.finish([Text(LONG)])
    await reply.finish([Text(LONG)])
    assert [line for text in await asked.texts() for line in text.splitlines()] == LONG.splitlines()
    messages = await asked.messages()
    assert len(messages[0].versions) == 1
    final = [number for number, _, state in asked.kept if state == "final"]
    assert final == list(range(1, len(messages) + 1))


async def test_an_answer_that_ends_shorter_than_its_growth_leaves_no_extra_message(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot((Text(LONG),)))
    await asked.grown("Line 149")
    await reply.finish([Notice("Sorry, I could not answer this.", kind="problem")])
    assert await asked.texts() == ["Sorry, I could not answer this."]


async def test_a_refused_answer_raises_and_finishing_again_creates_no_duplicates(asked: Asked) -> None:
    reply = asked.reply()
    await asked.discord.fault("create_message", status=400, code=50035)
    with pytest.raises(PlatformError, match="refused to send a message"):
        await reply.finish([Text(LONG)])
    await reply.finish([Text(LONG)])
    assert [line for text in await asked.texts() for line in text.splitlines()] == LONG.splitlines()


@pytest.mark.parametrize("lose", ["before", "after"])
async def test_a_lost_response_to_a_post_leaves_one_message(asked: Asked, lose: str) -> None:
    reply = asked.reply()
    await asked.discord.fault("create_message", lose=lose)
    with pytest.raises(PlatformError, match="did not answer"):
        await reply.finish([Text("once")])
    await reply.finish([Text("once and for all")])
    assert await asked.texts() == ["once and for all"]


@pytest.mark.parametrize("known", [True, False])
async def test_after_a_crash_the_same_message_continues(asked: Asked, known: bool) -> None:
    """Otherwise a restart would lose the answer or post it twice."""
    crashed = asked.reply()
    await crashed.show(Snapshot((Text("half an"),)))
    message = await asked.grown("half an")
    await crashed.aclose()
    # Long after: Discord no longer knows the nonce.
    await asked.discord.clock(advance=3600)
    ref = f"discord:{asked.channel}:{message.id}"
    reply = asked.reply(suspect=True, parts=[Part(asked.id, 1, ref, "growing")] if known else [])
    await reply.find()
    await reply.show(Snapshot(status="Thinking…"))
    await reply.finish([Text("half an hour")])
    assert await asked.texts() == ["half an hour"]
    assert asked.kept[-1] == (1, ref, "final")


async def test_the_answer_to_another_question_is_not_reused(asked: Asked) -> None:
    """For example, if an earlier answer ended after this question was asked."""
    person = next(place.user for place in (await asked.discord.state()).channels if place.id == asked.channel)
    earlier = await asked.discord.say(person, asked.channel, "before that")
    later = await asked.discord.say(person, asked.channel, "and then")
    await Asked(asked.adapter, asked.discord, asked.channel, earlier, asked.id + 1000).reply().finish([Text(LONG)])
    before = await asked.texts()
    reply = Asked(asked.adapter, asked.discord, asked.channel, later, asked.id + 2000).reply(suspect=True)
    await reply.find()
    await reply.finish([Text("mine")])
    assert await asked.texts() == [*before, "mine"]


async def test_a_regenerated_answer_is_not_mistaken_for_the_one_before_it(mentioned: Asked) -> None:
    """No person's message separates the two, and they can be posted in the same second."""
    await mentioned.reply().finish([Text("eight")])
    parts = tuple(Part(mentioned.id, *kept) for kept in mentioned.kept)
    again = Asked(mentioned.adapter, mentioned.discord, mentioned.channel, mentioned.question, mentioned.id + 1000)
    again.thread, again.earlier = mentioned.thread, parts
    reply = mentioned.adapter.reply(replace(again.turn(suspect=True), incoming=[]))
    await reply.find()
    await reply.finish([Text("eight legs")])
    assert await mentioned.texts() == ["eight", "eight legs"]


async def test_many_answers_at_once_stay_within_discords_global_limit(
    adapter: DiscordAdapter, discord: DiscordPeople
) -> None:
    """After too many refused requests, Cloudflare bans the IP address."""
    await discord.settings(rate_limits={"*": [50, 1.0]})
    before = len((await discord.state()).calls)
    person = await discord.user("hasty")
    dm = await discord.dm(person)
    many = [Asked(adapter, discord, dm, await discord.say(person, dm, "hello"), next(_numbers)) for _ in range(60)]
    replies = [asked.reply() for asked in many]
    for reply in replies:
        await reply.show(Snapshot((Text("ei"),)))
    await asyncio.gather(*(reply.finish([Text("eight")]) for reply in replies))
    await asyncio.gather(*(reply.aclose() for reply in replies))
    await discord.settings(rate_limits={"*": [10_000, 1.0]})
    now = await discord.state()
    assert {call.status for call in now.calls[before:]} <= {200, 204}
    assert [message.content for message in await discord.said(dm)] == ["eight"] * 60
    # Updates that would have kept a finished answer waiting were left out.
    assert sum(call.method in ("create_message", "edit_message") for call in now.calls[before:]) < 100


async def test_closing_a_reply_waits_for_its_requests(asked: Asked) -> None:
    await asked.discord.fault("create_message", hold=True)
    first = asked.reply()
    await first.show(Snapshot((Text("on its way"),)))
    await asked.discord.until(
        lambda now: any(c.method == "create_message" and c.arguments["channel"] == asked.channel for c in now.calls)
    )
    closing = asyncio.create_task(first.aclose())
    assert await asked.messages() == []
    assert not closing.done()
    await asked.discord.release()
    await closing
    second = asked.reply(suspect=True)
    await second.find()
    await second.finish([Text("once")])
    assert await asked.texts() == ["once"]


async def test_an_answer_is_posted_again_when_somebody_deleted_the_message(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot((Text("still"),)))
    await asked.discord.delete((await asked.grown("still")).id)
    # As Discord answers a nonce whose message was deleted a moment ago.
    await asked.discord.fault("create_message", status=404, code=10008)
    await reply.finish([Text("still answered")])
    (message,) = await asked.messages()
    assert (message.content, message.nonce) == ("still answered", f"tag{asked.id}:1:1")


async def test_a_thread_is_created_from_the_question_once(mentioned: Asked) -> None:
    """Otherwise the answer would appear in the channel."""
    first = mentioned.reply()
    await first.show(Snapshot((Text("ei"),)))
    await mentioned.grown("ei")
    await first.aclose()
    second = mentioned.reply(suspect=True)
    await second.find()
    await second.finish([Text("eight")])
    assert await mentioned.texts() == ["eight"]
    now = await mentioned.discord.state()
    (thread,) = [place for place in now.channels if place.parent == mentioned.channel]
    assert (thread.id, thread.name) == (mentioned.question, "how many legs has a spider?")


async def test_without_the_permission_for_threads_the_answer_is_posted_in_the_channel(mentioned: Asked) -> None:
    await mentioned.discord.deny(mentioned.channel, "create_public_threads")
    await mentioned.reply().finish([Text("eight")])
    (message,) = await mentioned.discord.said(mentioned.channel)
    assert (message.content, message.reference) == ("eight", mentioned.question)


@pytest.mark.parametrize("code", [50024, 50035, 160006, 200000])
async def test_if_discord_refuses_a_thread_the_answer_is_posted_in_the_channel(mentioned: Asked, code: int) -> None:
    """Reasons are too many threads, a title that moderation blocks, or a kind of channel without threads."""
    await mentioned.discord.fault("start_thread_from_message", status=400, code=code)
    await mentioned.reply().finish([Text("eight")])
    (message,) = await mentioned.discord.said(mentioned.channel)
    assert (message.content, message.reference) == ("eight", mentioned.question)


@pytest.mark.parametrize("code", [0, 10008, 50013])
async def test_a_forum_post_is_answered_once_in_its_own_thread(
    adapter: DiscordAdapter, discord: DiscordPeople, code: int
) -> None:
    """The post is already a thread, whatever Discord answers to a request to open one from its first message."""
    number = next(_numbers)
    person, forum = await discord.user(f"person{number}"), await discord.channel(f"forum-{number}", forum=True)
    post = await discord.post(person, forum, "Spiders", "@threadline how many legs has a spider?")
    asked = Asked(adapter, discord, forum, post, number, thread=post)
    if code:
        await discord.fault("start_thread_from_message", status=404 if code == 10008 else 403, code=code)
    await asked.reply().finish([Text("eight")])
    await discord.clock(advance=3600)
    again = asked.reply(suspect=True)
    await again.find()
    await again.finish([Text("eight legs")])
    assert await asked.texts() == ["eight legs"]


async def test_a_missing_permission_is_named_and_not_retryable(mentioned: Asked) -> None:
    await mentioned.discord.deny(mentioned.channel, "send_messages_in_threads")
    reply = mentioned.reply()
    await reply.show(Snapshot((Text("eight"),)))
    with pytest.raises(PlatformError, match=r"50013.*Send Messages in Threads") as refused:
        await reply.finish([Text("eight")])
    assert not refused.value.retryable


async def test_a_deleted_channel_is_reported_and_not_retryable(mentioned: Asked) -> None:
    await mentioned.discord.delete_channel(mentioned.channel)
    with pytest.raises(PlatformError, match=r"10003.*deleted") as refused:
        await mentioned.reply().finish([Text("eight")])
    assert not refused.value.retryable


async def test_a_deleted_question_is_reported_and_not_retryable(mentioned: Asked) -> None:
    await mentioned.discord.delete(mentioned.question)
    with pytest.raises(PlatformError, match="10008") as refused:
        await mentioned.reply().finish([Text("eight")])
    assert not refused.value.retryable


async def test_during_a_cloudflare_ban_no_requests_are_sent(asked: Asked) -> None:
    """A 429 without a Via header comes from Cloudflare. Further requests would prolong the ban."""
    await asked.discord.fault("create_message", status=429, scope="cloudflare", retry_after=1)
    reply = asked.reply()
    with pytest.raises(PlatformError, match="Cloudflare") as refused:
        await reply.finish([Text("once")])
    assert (refused.value.retryable, refused.value.retry_after) == (True, 1)
    before = len((await asked.discord.state()).calls)
    with pytest.raises(PlatformError, match="Cloudflare keeps us away from Discord for"):
        await reply.finish([Text("once")])
    assert len((await asked.discord.state()).calls) == before


async def by_command(adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot) -> Asked:
    number = next(_numbers)
    person, channel = await discord.user(f"person{number}"), await discord.channel(f"asked-{number}")
    given = await discord.command(person, channel, "/assistant ask", question=f"question {number}")
    await bot.takes(f"question {number}")
    return Asked(adapter, discord, channel, given.id, number, command=given)


async def test_the_answer_to_a_command_replaces_its_deferred_response(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    asked = await by_command(adapter, discord, bot)
    reply = asked.reply()
    await reply.show(Snapshot(status="Thinking…"))
    await reply.show(Snapshot((Text("ei"),)))
    await asked.grown("ei")
    await reply.finish([Text(LONG)])
    first, *others = await asked.messages()
    assert asked.command is not None
    assert first.id == asked.command.original
    assert first.content.startswith("> how many legs has a spider?\nLine 0 ")
    assert first.flags & 4, "a link in the question or the answer must show no preview"
    assert others[-1].content.strip().endswith("Line 149 of the long answer.")
    assert asked.channel not in [typing.channel for typing in (await discord.state()).typing]


async def test_a_command_whose_token_expired_is_still_answered(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    asked = await by_command(adapter, discord, bot)
    await discord.clock(advance=16 * 60)
    await asked.reply(suspect=True).finish([Text("eight")])
    (message,) = await asked.messages()
    assert message.content == "> how many legs has a spider?\neight"


async def test_the_answer_to_a_command_continues_in_its_response_after_a_restart(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    for expired in (False, True):
        asked = await by_command(adapter, discord, bot)
        crashed = asked.reply()
        await crashed.show(Snapshot((Text("ei"),)))
        await asked.grown("ei")
        await crashed.aclose()
        if expired:
            await discord.clock(advance=16 * 60)
        reply = asked.reply(suspect=True)
        await reply.find()
        await reply.finish([Text("eight")])
        assert asked.command is not None
        (message,) = await asked.messages()
        assert (message.id, message.content) == (asked.command.original, "> how many legs has a spider?\neight")


async def test_a_command_that_waited_until_its_token_expired_is_answered_in_its_response(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    """The end of the answer before it was posted after this command had been acknowledged."""
    before = await by_command(adapter, discord, bot)
    person = await discord.user("queued")
    given = await discord.command(person, before.channel, "/assistant ask", question="queued?")
    await bot.takes("queued?")
    await before.reply().finish([Text(LONG)])
    await discord.clock(advance=16 * 60)
    asked = Asked(adapter, discord, before.channel, given.id, next(_numbers), command=given)
    asked.earlier = [Part(before.id, *kept) for kept in before.kept]
    await asked.reply().finish([Text("eight")])
    found = {message.id: message.content for message in await asked.messages()}
    assert found[str(given.original)] == "> how many legs has a spider?\neight"
    assert len(found) == len({ref for _, ref, _ in before.kept}) + 1


async def test_an_answer_waits_until_its_command_is_acknowledged(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    """Otherwise it would become a second message, and Discord would show that the bot is still thinking."""
    person, channel = await discord.user("early"), await discord.channel("asked-early")
    await discord.fault("create_interaction_response", hold=True)
    asking = asyncio.create_task(discord.command(person, channel, "/assistant ask", question="early?"))
    await bot.takes("early?")
    (given,) = [one for one in (await discord.state()).interactions if one.channel == channel]
    asked = Asked(adapter, discord, channel, given.id, next(_numbers), command=given)
    finishing = asyncio.create_task(asked.reply().finish([Text("eight")]))
    for _ in range(3):
        assert await asked.texts() == []
    await discord.release()
    await finishing
    (message,) = await asked.messages()
    assert message.id == (await asking).original


async def test_a_command_that_was_never_acknowledged_is_answered_with_a_message(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    """As after a program was killed that had stored the question."""
    person, channel = await discord.user("unlucky"), await discord.channel("unacknowledged")
    await discord.fault("create_interaction_response", status=404)
    asking = asyncio.create_task(discord.command(person, channel, "/assistant ask", question="anybody?"))
    await bot.takes("anybody?")
    await discord.clock(advance=4)
    given = await asking
    assert given.failed
    asked = Asked(adapter, discord, channel, given.id, next(_numbers), command=given)
    reply = asked.reply()
    await reply.show(Snapshot((Text("ei"),)))
    await asked.grown("ei")
    await reply.finish([Text("eight")])
    assert await asked.texts() == ["> how many legs has a spider?\neight"]


async def test_a_message_that_stood_in_for_a_response_is_removed_once_the_response_is_there(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    """Discord may take an acknowledgement that seemed lost, so that an answer was begun in a message."""
    asked = await by_command(adapter, discord, bot)
    begun = await adapter._account.post(asked.channel, "ei", nonce="earlier")
    part = Part(asked.id, 1, f"discord:{asked.channel}:{begun['id']}", "growing")
    await asked.reply(suspect=True, parts=[part]).finish([Text("eight")])
    assert asked.command is not None
    (message,) = await asked.messages()
    assert (message.id, message.content) == (asked.command.original, "> how many legs has a spider?\neight")


@pytest.mark.parametrize("denied", ["view_channel", "send_messages"])
async def test_a_command_in_a_channel_without_access_is_answered_by_its_token(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot, denied: str
) -> None:
    asked = await by_command(adapter, discord, bot)
    await discord.deny(asked.channel, denied)
    reply = asked.reply()
    await reply.finish([Text(LONG)])
    await reply.finish([Text(LONG)])
    lines = [line for text in await asked.texts() for line in text.strip().splitlines()]
    assert lines == ["> how many legs has a spider?", *LONG.splitlines()]


async def test_a_command_in_a_channel_without_access_is_answered_by_its_token_while_the_answer_grows(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    asked = await by_command(adapter, discord, bot)
    await discord.deny(asked.channel, "view_channel")
    reply, lines = asked.reply(), LONG.splitlines(keepends=True)
    for shown in (90, 100, 140):
        await reply.show(Snapshot((Text("".join(lines[:shown])),)))
        await asked.grown(lines[shown - 1].rstrip())
    await reply.finish([Text("".join(lines[:120]))])
    assert "".join(await asked.texts()).splitlines()[1:] == "".join(lines[:120]).splitlines()
    await reply.finish([Text("Eight.")])
    assert await asked.texts() == ["> how many legs has a spider?\nEight."]


async def test_a_shutdown_is_announced_to_a_command_that_has_no_answer_yet(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    asked = await by_command(adapter, discord, bot)
    reply = asked.reply()
    await reply.leave("Back soon.")
    await reply.aclose()
    assert await asked.texts() == ["-# Back soon."]


async def test_a_surplus_message_that_is_deleted_already_does_not_undo_the_answer_to_a_command(
    adapter: DiscordAdapter, discord: DiscordPeople, bot: TakingBot
) -> None:
    asked = await by_command(adapter, discord, bot)
    await discord.deny(asked.channel, "view_channel")
    reply = asked.reply()
    await reply.finish([Text(LONG)])
    (last,) = (await asked.messages())[-1:]
    await discord.delete(last.id)
    await reply.finish([Text("Eight.")])
    assert await asked.texts() == ["> how many legs has a spider?\nEight."]


async def test_after_the_nonce_expires_every_part_is_found_by_its_place(asked: Asked) -> None:
    """Discord forgets a nonce after some minutes, so the nonce alone would not prevent a duplicate."""
    crashed = asked.reply()
    await crashed.finish([Text(LONG)])
    await crashed.aclose()
    await asked.discord.clock(advance=3600)
    reply = asked.reply(suspect=True)
    await reply.find()
    await reply.finish([Text(LONG)])
    await reply.aclose()
    assert "".join(await asked.texts()) == LONG


async def test_a_regenerated_answer_is_found_without_a_question(asked: Asked) -> None:
    first = asked.reply()
    await first.finish([Text("One.")])
    again = replace(asked.turn(), incoming=[], tag="again", id=asked.id + 1)
    crashed = asked.adapter.reply(again)
    await crashed.finish([Text("Two.")])
    found = asked.adapter.reply(replace(again, suspect=True))
    await found.find()
    await found.finish([Text("Two, indeed.")])
    await found.aclose()
    assert await asked.texts() == ["One.", "Two, indeed."]


async def test_a_regenerated_answer_is_found_even_if_our_clock_is_ahead(asked: Asked) -> None:
    """The search starts at the reply before it, so the answer is not posted twice."""
    await asked.reply().finish([Text("One.")])
    asked.earlier = tuple(Part(asked.id, *kept) for kept in asked.kept)
    again = replace(asked.turn(), incoming=[], tag="again", id=asked.id + 1, opened_at=time.time() + 3600)
    await asked.adapter.reply(again).finish([Text("Two.")])
    await asked.discord.clock(advance=3600)
    found = asked.adapter.reply(replace(again, suspect=True))
    await found.find()
    await found.finish([Text("Two, indeed.")])
    await found.aclose()
    assert await asked.texts() == ["One.", "Two, indeed."]


async def test_in_a_channel_each_of_two_answers_finds_its_own_parts(mentioned: Asked) -> None:
    """If the bot may not open threads, the parts of several answers are mixed in one channel."""
    ada = mentioned.discord
    await ada.deny(mentioned.channel, "create_public_threads")
    person = await ada.user("another person")
    question = await ada.say(person, mentioned.channel, "@threadline and an insect?")
    other = replace(mentioned, question=question, id=mentioned.id + 1_000, thread=question)
    ours, theirs = LONG, LONG.replace("Line", "Row")
    for asked, text in ((mentioned, ours), (other, theirs)):
        crashed = asked.reply()
        await crashed.show(Snapshot((Text(text[:2_500]),)))
        await ada.answer(mentioned.channel, text[:2_450].splitlines()[-1])
        await crashed.aclose()
    await ada.clock(advance=3600)
    for asked, text in ((mentioned, ours), (other, theirs)):
        reply = asked.reply(suspect=True)
        await reply.find()
        await reply.finish([Text(text)])
        await reply.aclose()
    said = [m for m in await ada.said(mentioned.channel) if m.reference and not m.deleted]
    for asked, text in ((mentioned, ours), (other, theirs)):
        first = next(m for m in said if m.reference == asked.question)
        parts = [first, *(m for m in said if m.reference == first.id)]
        assert "".join(part.content.removeprefix(CONTINUED) for part in parts) == text
    assert len(said) == 6


async def test_a_regenerated_answer_in_a_channel_replies_to_the_one_before_it(mentioned: Asked) -> None:
    """It belongs to a thread that could not be opened."""
    await mentioned.discord.deny(mentioned.channel, "create_public_threads")
    await mentioned.reply().finish([Text("One.")])
    mentioned.earlier = tuple(Part(mentioned.id, *kept) for kept in mentioned.kept)
    again = replace(mentioned.turn(), incoming=[], tag="again", id=mentioned.id + 1)
    await mentioned.adapter.reply(again).finish([Text("Two.")])
    await mentioned.discord.clock(advance=3600)
    found = mentioned.adapter.reply(replace(again, suspect=True))
    await found.find()
    await found.finish([Text("Two, indeed.")])
    await found.aclose()
    one, two = [message for message in await mentioned.discord.said(mentioned.channel) if not message.deleted]
    assert (one.content, two.content, two.reference) == ("One.", "Two, indeed.", one.id)


async def test_a_shutdown_is_announced_below_the_text(asked: Asked) -> None:
    reply = asked.reply()
    await reply.show(Snapshot((Text("Half an"),)))
    await asked.discord.answer(asked.home, "Half an")
    await reply.leave("Back soon.")
    await reply.aclose()
    assert await asked.texts() == ["Half an\n-# Back soon."]
    # A second shutdown before the answer goes on changes nothing.
    between = asked.reply(suspect=True)
    await between.find()
    await between.leave("Back soon.")
    await between.aclose()
    assert await asked.texts() == ["Half an\n-# Back soon."]
    again = asked.reply(suspect=True)
    await again.find()
    await again.finish([Text("Half an answer.")])
    assert await asked.texts() == ["Half an answer."]
