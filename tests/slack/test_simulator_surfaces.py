"""What the simulated Slack shows: native streams, agent sessions, files, whispers. slack_sdk's own helpers judge."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack.app import App
from tests.simulators.slack.client import SlackPeople
from tests.simulators.slack.records import Message, Session
from tests.slack import stock

TEAM = "T0THREAD"
MORE = ["files:read", "files:write", "users:read", "reactions:write", "channels:read", "im:write"]


@pytest.fixture
async def slack(slack: SlackPeople) -> AsyncIterator[SlackPeople]:
    """With every scope and event that a later feature needs; afterwards all is as it was at first."""
    manifest = App.of_manifest()
    await slack.app(scopes=[*manifest.scopes, *MORE], events=[*manifest.events, "agent_session_stopped"])
    yield slack
    await slack.give_up()
    await slack.clock(rate=1)
    await slack.app()


@pytest.fixture
def web(simulator: dict[str, Any]) -> AsyncWebClient:
    return stock.web_client(simulator)


class Asked:
    """A question in a channel, and the stream that answers it."""

    def __init__(self, slack: SlackPeople, web: AsyncWebClient, user: str, channel: str, ts: str) -> None:
        self.slack, self.web, self.user, self.channel, self.ts = slack, web, user, channel, ts

    async def stream(self, **more: Any) -> Any:
        recipient = {"recipient_team_id": TEAM, "recipient_user_id": self.user}
        where = {"channel": self.channel, "thread_ts": self.ts, "buffer_size": 1}
        return await self.web.chat_stream(**{**where, **recipient, **more})

    async def message(self) -> Message:
        (message,) = await self.slack.replies(self.channel, self.ts)
        return message

    async def session(self) -> Session:
        sessions = (await self.slack.state()).sessions
        return next(one for one in sessions if (one.channel, one.thread_ts) == (self.channel, self.ts))


@pytest.fixture
async def asked(slack: SlackPeople, web: AsyncWebClient) -> Asked:
    user, channel = await slack.user("ada"), await slack.channel("surfaces")
    return Asked(slack, web, user, channel, await slack.say(user, channel, "hello?"))


def refused(code: str) -> Any:
    return pytest.raises(SlackApiError, match=code)


async def test_a_stream_takes_chunks_and_ends_with_blocks_and_metadata(asked: Asked) -> None:
    stream = await asked.stream()
    await stream.append(markdown_text="**Two** and ")
    assert (await asked.session()).status == "processing"
    task = TaskUpdateChunk(id="t1", title="Look it up", status="in_progress", details="page 1, ")
    await stream.append(chunks=[PlanUpdateChunk(title="The plan"), task])
    done = TaskUpdateChunk(id="t1", title="Look it up", status="complete", details="page 2")
    await stream.append(markdown_text="two is ", chunks=[done])
    mark = {"event_type": "mark", "event_payload": {"n": 1}}
    await stream.stop(markdown_text="four.", blocks=[{"type": "divider"}], metadata=mark)
    message = await asked.message()
    assert message.versions == ["**Two** and ", "**Two** and ", "**Two** and two is ", "**Two** and two is four."]
    assert (message.stream, message.recipient, message.metadata) == ("stopped", asked.user, mark)
    assert (message.plan, message.tasks["t1"]["status"]) == ("The plan", "complete")
    assert message.tasks["t1"]["details"] == "page 1, page 2"
    assert [block["type"] for block in message.blocks] == ["divider"]
    assert (await asked.session()).status == "active"
    with refused("message_not_in_streaming_state"):
        await asked.web.chat_appendStream(channel=asked.channel, ts=message.ts, markdown_text="more")


async def test_stopping_an_unstarted_stream_starts_it_and_can_close_its_session(asked: Asked) -> None:
    stream = await asked.stream(buffer_size=1000)
    await stream.append(markdown_text="short")
    await stream.stop(session_status="closed")
    assert ((await asked.message()).text, (await asked.session()).status) == ("short", "closed")


async def test_a_stream_expires_after_five_minutes_and_is_continued_by_an_update(asked: Asked) -> None:
    await asked.slack.clock(rate=0)
    stream = await asked.stream()
    await stream.append(markdown_text="one ")
    with refused("streaming_state_conflict"):
        await asked.web.chat_update(channel=asked.channel, ts=stream.ts, text="no")
    await asked.slack.clock(advance=299)
    await stream.append(markdown_text="two ")
    await asked.slack.clock(advance=2)
    for call in (stream.append(markdown_text="three"), stream.stop()):
        with refused("message_not_in_streaming_state"):
            await call
    await asked.web.chat_update(channel=asked.channel, ts=stream.ts, markdown_text="one two three")
    assert (await asked.message()).text == "one two three"


async def test_a_stream_in_a_channel_needs_a_recipient(asked: Asked) -> None:
    for missing in ("recipient_user_id", "recipient_team_id"):
        stream = await asked.stream(**{missing: None})
        with refused(f"missing_{missing}"):
            await stream.append(markdown_text="hello")
    dm = await asked.slack.dm(asked.user)
    ts = await asked.slack.say(asked.user, dm, "hello?")
    here = await asked.web.chat_stream(channel=dm, thread_ts=ts, buffer_size=1)
    await here.append(markdown_text="hello")
    await here.stop()


async def test_a_stream_refuses_oversized_and_invalid_chunks(asked: Asked) -> None:
    stream = await asked.stream()
    with refused("msg_too_long"):
        await stream.append(chunks=[MarkdownTextChunk(text="x" * 12_001)])
    await stream.append(markdown_text="x" * 10_000)
    with refused("msg_too_long"):
        await asked.web.chat_appendStream(channel=asked.channel, ts=stream.ts, markdown_text="é" * 600)
    with refused("invalid_chunks"):
        await asked.web.chat_appendStream(channel=asked.channel, ts=stream.ts, chunks=[{"type": "dance"}])
    with refused("invalid_arguments"):
        await asked.web.chat_appendStream(
            channel=asked.channel, ts=stream.ts, markdown_text="x", chunks=[MarkdownTextChunk(text="x")]
        )
    with refused("no_text"):
        await asked.web.chat_appendStream(channel=asked.channel, ts=stream.ts)


async def test_stop_ends_the_streams_and_notifies_the_app(asked: Asked, simulator: dict[str, Any]) -> None:
    stream = await asked.stream()
    await stream.append(markdown_text="a long ")
    await asked.slack.stop(asked.user, asked.channel, asked.ts)
    with refused("stopped_by_user"):
        await stream.append(markdown_text="story")
    told = next(one for one in (await asked.slack.state()).deliveries if one.event == "agent_session_stopped")
    assert told.event_id.startswith("Ev")
    # Leaving `processing` is the app's own affair.
    assert (await asked.session()).status == "processing"
    await asked.web.agents_sessions_setStatus(channel_id=asked.channel, thread_ts=asked.ts, status="active")
    assert (await asked.session()).status == "active"


async def test_a_session_has_a_status_and_a_title(asked: Asked) -> None:
    where = {"channel_id": asked.channel, "thread_ts": asked.ts}
    with refused("session_not_found"):
        await asked.web.agents_sessions_rename(**where, title="Hello")
    answer = await asked.web.agents_sessions_setStatus(
        **where, status="processing", title="Hello", initiator_user_id=asked.user
    )
    assert "warning" not in answer
    session = await asked.session()
    assert (session.status, session.title, session.initiator) == ("processing", "Hello", asked.user)
    await asked.web.agents_sessions_rename(**where, title="Hello again")
    assert (await asked.session()).title == "Hello again"
    with refused("invalid_arguments"):
        await asked.web.agents_sessions_setStatus(**where, status="pondering")
    with refused("invalid_arguments"):
        await asked.web.agents_sessions_setStatus(**where, status="active", title="x" * 201)


async def test_sessions_warn_without_the_stop_event_and_are_refused_without_an_agent(asked: Asked) -> None:
    where = {"channel_id": asked.channel, "thread_ts": asked.ts}
    await asked.slack.app(events=["app_mention"])
    answer = await asked.web.agents_sessions_setStatus(**where, status="processing")
    assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
    await asked.slack.app(agent=False)
    with refused("not_authorized"):
        await asked.web.agents_sessions_setStatus(**where, status="processing")


async def test_a_thread_status_ends_after_two_minutes_or_with_the_next_message(asked: Asked) -> None:
    where: Any = {"channel_id": asked.channel, "thread_ts": asked.ts}
    await asked.slack.clock(rate=0)
    await asked.web.assistant_threads_setStatus(**where, status="is thinking…", loading_messages=["reading"])
    assert (await asked.session()).status_text == "is thinking…"
    await asked.slack.clock(advance=121)
    assert (await asked.session()).status_text == ""
    await asked.web.assistant_threads_setStatus(**where, status="is writing…")
    await asked.web.chat_postMessage(channel=asked.channel, thread_ts=asked.ts, text="done")
    assert (await asked.session()).status_text == ""
    with refused("invalid_arguments"):
        await asked.web.assistant_threads_setStatus(**where, status="x", loading_messages=["x"] * 11)
    prompts = [{"title": "t", "message": "m"}]
    await asked.web.assistant_threads_setSuggestedPrompts(**where, prompts=prompts)
    assert (await asked.session()).prompts == prompts
    with refused("invalid_arguments"):
        await asked.web.assistant_threads_setSuggestedPrompts(**where, prompts=prompts * 5)


async def test_a_file_is_uploaded_in_three_steps_and_downloaded_with_the_token(asked: Asked) -> None:
    content = b"\x89PNG and more"
    answer = await asked.web.files_upload_v2(
        channel=asked.channel,
        thread_ts=asked.ts,
        content=content,
        filename="plot.png",
        title="A plot",
        alt_txt="a line",
    )
    (message,) = await asked.slack.replies(asked.channel, asked.ts)
    (shown,) = message.files
    assert (shown["title"], shown["mimetype"], shown["alt_txt"]) == ("A plot", "image/png", "a line")
    info = await asked.web.files_info(file=answer["file"]["id"])
    url = info["file"]["url_private_download"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {asked.web.token}"}) as got:
            assert (await got.read(), got.content_type) == (content, "image/png")
        async with session.get(url) as got:
            assert (got.status, got.content_type) == (200, "text/html")
            assert "Sign in" in await got.text()


async def test_an_unfinished_upload_cannot_be_shared(asked: Asked) -> None:
    place = await asked.web.files_getUploadURLExternal(filename="a.txt", length=3)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(str(place["upload_url"]), content=b"four")).status_code == 400
    with refused("file_upload_not_completed"):
        await asked.web.files_completeUploadExternal(files=[{"id": str(place["file_id"]), "title": "a"}])


async def test_a_persons_file_arrives_as_a_file_share(
    slack: SlackPeople, simulator: dict[str, Any], asked: Asked
) -> None:
    app, seen = stock.bolt(simulator), []

    @app.event("message")
    async def on_message(body: dict[str, Any]) -> None:
        seen.append(body["event"])

    async with stock.connected(app, slack, simulator):
        file = await slack.upload(asked.user, "notes.txt", b"remember the milk")
        ts = await slack.say(asked.user, asked.channel, "read this", files=[file])
        await slack.until(lambda now: any(one.ts == ts and one.acked_at for one in now.deliveries))
    event = next(event for event in seen if event["ts"] == ts)
    assert (event["subtype"], event["files"][0]["name"]) == ("file_share", "notes.txt")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {asked.web.token}"}) as session:
        async with session.get(event["files"][0]["url_private_download"]) as got:
            assert await got.read() == b"remember the milk"
        await slack.app(scopes=["chat:write"])
        # Without files:read the token is worth nothing here.
        async with session.get(event["files"][0]["url_private_download"]) as got:
            assert got.content_type == "text/html"


async def test_users_and_channels_can_be_looked_up(slack: SlackPeople, asked: Asked) -> None:
    boss = await slack.user("boss", admin=True, locale="de-DE")
    user = (await asked.web.users_info(user=boss, include_locale=True))["user"]
    assert (user["is_admin"], user["is_bot"], user["locale"]) == (True, False, "de-DE")
    assert "locale" not in (await asked.web.users_info(user=boss))["user"]
    channel = (await asked.web.conversations_info(channel=asked.channel))["channel"]
    assert (channel["is_member"], channel["is_private"], channel["name"]) == (True, False, "surfaces")
    opened = await asked.web.conversations_open(users=boss)
    assert opened["channel"]["id"] == await slack.dm(boss)
    with refused("user_not_found"):
        await asked.web.users_info(user="U404")


async def test_history_is_newest_first_and_excludes_thread_replies(slack: SlackPeople, asked: Asked) -> None:
    later = await slack.say(asked.user, asked.channel, "later")
    await slack.say(asked.user, asked.channel, "in the thread", thread_ts=asked.ts)
    page = await asked.web.conversations_history(channel=asked.channel, limit=1)
    assert ([one["ts"] for one in page["messages"]], page["has_more"]) == ([later], True)
    cursor = page["response_metadata"]["next_cursor"]
    rest = await asked.web.conversations_history(channel=asked.channel, cursor=cursor)
    assert [one["ts"] for one in rest["messages"]] == [asked.ts]


async def test_an_ephemeral_message_is_shown_to_one_person(asked: Asked) -> None:
    await asked.web.chat_postEphemeral(channel=asked.channel, user=asked.user, text="psst", thread_ts=asked.ts)
    state = await asked.slack.state()
    assert [(one.user, one.text) for one in state.whispers if one.channel == asked.channel] == [(asked.user, "psst")]
    assert await asked.slack.replies(asked.channel, asked.ts) == []


async def test_reactions_can_be_added_and_own_messages_deleted(asked: Asked) -> None:
    await asked.web.reactions_add(channel=asked.channel, timestamp=asked.ts, name="eyes")
    with refused("already_reacted"):
        await asked.web.reactions_add(channel=asked.channel, timestamp=asked.ts, name="eyes")
    await asked.slack.react(asked.user, asked.channel, asked.ts, "eyes")
    (root,) = (await asked.web.conversations_replies(channel=asked.channel, ts=asked.ts))["messages"]
    assert root["reactions"][0]["count"] == 2
    await asked.web.reactions_remove(channel=asked.channel, timestamp=asked.ts, name="eyes")
    posted = await asked.web.chat_postMessage(channel=asked.channel, thread_ts=asked.ts, text="oops")
    await asked.web.chat_delete(channel=asked.channel, ts=posted["ts"])
    assert await asked.slack.replies(asked.channel, asked.ts) == []
    with refused("cant_delete_message"):
        await asked.web.chat_delete(channel=asked.channel, ts=asked.ts)


async def test_the_app_has_only_the_scopes_and_commands_of_its_manifest(slack: SlackPeople, asked: Asked) -> None:
    await slack.app()
    assert await asked.web.users_info(user=asked.user)
    with refused("missing_scope"):
        await asked.web.conversations_info(channel=asked.channel)
    assert "not a valid command" in await slack.command(asked.user, asked.channel, "/dance")
    await slack.app(scopes=["chat:write", "im:history"])
    with refused("missing_scope"):
        await asked.web.conversations_replies(channel=asked.channel, ts=asked.ts)
