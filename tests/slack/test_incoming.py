"""What Slack sends becomes what the bot takes in, or nothing."""

from typing import Any

import pytest

from adapters.slack.incoming import from_change, from_command, from_event
from bot.incoming import Attached, Incoming, Person, Revision

BOT = "U0BOT"
SAID = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "text": "hello", "ts": "17.000100"}


def mapped(**event: Any) -> Incoming | None:
    return from_event({**SAID, **event}, team="T1", bot_user=BOT)


def taken(**event: Any) -> Incoming:
    incoming = mapped(**event)
    assert incoming is not None
    return incoming


def test_a_message_is_keyed_by_its_ts_and_its_thread_by_the_root() -> None:
    root = taken()
    assert (root.event, root.place.key) == ("slack:T1:C1:17.000100", "slack:T1:C1:17.000100")
    assert (root.place.workspace, root.place.channel, root.place.thread) == ("T1", "C1", "17.000100")
    assert (root.position, root.author.id, root.addressed) == ("17.000100", "U1", False)
    reply = taken(ts="18.000200", thread_ts="17.000100")
    assert (reply.event, reply.place.key) == ("slack:T1:C1:18.000200", "slack:T1:C1:17.000100")


def test_both_events_of_a_mention_are_the_same_message() -> None:
    text = "<@U0BOT> hello"
    message = taken(text=text)
    mention = from_event(
        {"type": "app_mention", "channel": "C1", "user": "U1", "text": text, "ts": SAID["ts"]},
        team="T1",
        bot_user=BOT,
    )
    assert message == mention
    assert message.addressed


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("<@U0BOT> what is 2 &lt; 3 &amp;&amp; 4 &gt; 3?", "what is 2 < 3 && 4 > 3?"),
        ("&amp;lt; stays as written", "&lt; stays as written"),
        ("hey <@U0BOT|threadline> and <@U9>", "hey and @U9"),
        ("<@U0BOT>", ""),
        ("first\n<@U0BOT>\nsecond", "first\n \nsecond"),
    ],
)
def test_our_mention_and_slacks_escapes_are_removed(typed: str, text: str) -> None:
    assert taken(text=typed).text == text


def test_a_forwarded_message_is_read_as_a_quote_with_its_files() -> None:
    """Otherwise the bot would not see what was forwarded and would answer the wrong question."""
    file = {"name": "plan.pdf", "mimetype": "application/pdf", "size": 7, "url_private": "https://files/plan.pdf"}
    shared = {"is_share": True, "author_name": "Bo", "text": "We ship &lt;it&gt; <@U9>", "files": [file]}
    preview = {"title": "A page", "text": "what Slack shows of a link", "from_url": "https://example.org"}
    asked = taken(text="<@U0BOT> what does this mean?", attachments=[shared, preview])
    assert asked.text.endswith("\n\nwhat does this mean?")
    assert "[Bo]: We ship <it> @U9" in asked.text
    assert "what Slack shows" not in asked.text
    assert [file.name for file in asked.files] == ["plan.pdf"]
    assert "[Bo]: We ship" in taken(text="", channel="D1", channel_type="im", attachments=[shared]).text


def test_a_direct_message_needs_no_mention() -> None:
    assert taken(channel="D1", channel_type="im").addressed
    assert not taken(channel="G1", channel_type="mpim").addressed


@pytest.mark.parametrize(
    "event",
    [
        {"subtype": "message_changed", "hidden": True},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"user": BOT, "bot_id": "B1"},
        {"user": None},
        {"type": "app_home_opened"},
    ],
)
def test_events_that_are_not_a_persons_message_are_ignored(event: dict[str, Any]) -> None:
    """Otherwise bots would answer bots, and an edited message would be answered again."""
    assert mapped(**event) is None


def test_another_bot_is_marked_as_a_bot() -> None:
    """Otherwise two bots could answer each other forever. The core decides whether to ignore bots, not the adapter."""
    assert taken(bot_id="B2").author.is_bot
    assert taken(user=None, bot_id="B2", subtype="bot_message").author == Person("B2", is_bot=True)


def changed(**event: Any) -> Revision | None:
    return from_change({"type": "message", "channel": "C1", "ts": "19.1", **event}, team="T1", bot_user=BOT)


def test_an_edit_names_the_message_it_changes() -> None:
    """Otherwise an edit would ask the question again."""
    said = {"type": "message", "user": "U1", "text": f"<@{BOT}> new &amp; better", "ts": "18.1"}
    now = {**said, "edited": {"user": "U1", "ts": "19.0"}}
    edit = changed(subtype="message_changed", message=now, previous_message={**said, "text": "old"})
    assert edit == Revision("slack:T1:C1:18.1", "new & better", at="19.0")


def test_a_file_removed_by_an_edit_is_dropped() -> None:
    """Slack leaves a tombstone in its place."""
    said = {"type": "message", "user": "U1", "text": "two files", "ts": "18.1"}
    kept = {"id": "F2", "name": "b.txt", "mimetype": "text/plain", "size": 1, "url_private_download": "https://x/b"}
    edit = changed(subtype="message_changed", message={**said, "files": [{"id": "F1", "mode": "tombstone"}, kept]})
    assert edit is not None
    assert edit.files == (Attached("b.txt", "text/plain", 1, "https://x/b"),)


@pytest.mark.parametrize(
    "event",
    [
        {"subtype": "message_deleted", "deleted_ts": "18.1", "previous_message": {"user": "U1", "ts": "18.1"}},
        {"subtype": "message_changed", "message": {"subtype": "tombstone", "user": "USLACKBOT", "ts": "18.1"}},
    ],
)
def test_a_deletion_removes_its_message(event: dict[str, Any]) -> None:
    assert changed(**event) == Revision("slack:T1:C1:18.1", None)


@pytest.mark.parametrize(
    "event",
    [
        {"subtype": "message_changed", "message": {"bot_id": "B1", "user": BOT, "ts": "18.1"}},
        {"subtype": "message_deleted", "deleted_ts": "18.1", "previous_message": {"bot_id": "B1"}},
        {"subtype": "channel_join"},
        {},
    ],
)
def test_edits_and_deletions_of_our_own_messages_are_ignored(event: dict[str, Any]) -> None:
    assert changed(**event) is None


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_file_shares_and_thread_broadcasts_are_messages(subtype: str) -> None:
    assert taken(subtype=subtype).text == "hello"


def test_a_command_has_no_thread() -> None:
    body = {"team_id": "T2", "channel_id": "C1", "user_id": "U1", "user_name": "ada", "text": "use tour"}
    body |= {"trigger_id": "17.1"}
    command = from_command(body, team="T1")
    assert (command.place.key, command.place.thread, command.text) == ("", None, "use tour")
    assert (command.author.id, command.author.name) == ("U1", "ada")
    assert command.event == "slack:cmd:17.1"
