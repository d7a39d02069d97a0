"""The audit after a proof: what people said, every turn and every message of ours, compared with each other."""

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulators.discord.client import DiscordPeople
from tests.simulators.slack.client import SlackPeople


@dataclass
class Audit:
    """What was found. `violations` are sentences; there must be none."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def report(self) -> str:
        counts = ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        wrong = "\n".join(self.violations[:40])
        return f"{counts}\n{len(self.violations)} violations\n{wrong}".rstrip()


@dataclass(frozen=True)
class Ours:
    """A message of ours as people see it: where, in what order, which turn's and which part, what it says."""

    where: str
    order: str
    tag: str
    part: int
    text: str


async def audited(database: Path, slack: SlackPeople, discord: DiscordPeople) -> Audit:
    """Compares everything."""
    seen, said = [*await _slack(slack)], [*await _slack_said(slack)]
    seen += await _discord(discord)
    said += await _discord_said(discord)
    return await asyncio.to_thread(_compare, database, seen, said)


async def _slack(people: SlackPeople) -> list[Ours]:
    now = await people.state()
    ours = []
    for message in now.messages:
        if message.bot_id != now.bot["bot_id"]:
            continue
        payload: dict[str, Any] = (message.metadata or {}).get("event_payload", {})
        state = f" [{message.stream} stream]" if message.stream == "open" else ""
        where = f"{message.channel}:{message.thread_ts}"
        ours.append(Ours(where, message.ts, payload.get("turn", ""), payload.get("part", 0), message.text + state))
    return ours


async def _slack_said(people: SlackPeople) -> list[str]:
    now = await people.state()
    return [f"slack:T0THREAD:{m.channel}:{m.ts}" for m in now.messages if m.bot_id is None]


async def _discord(people: DiscordPeople) -> list[Ours]:
    now = await people.state()
    ours = []
    for message in now.messages:
        if message.author != now.bot["id"] or message.only_for is not None:
            continue
        tag, _, part = (message.nonce or "").partition(":")
        number = int(part.partition(":")[0]) if part else 0
        ours.append(Ours(message.channel, message.id.rjust(20, "0"), tag, number, message.content))
    return ours


async def _discord_said(people: DiscordPeople) -> list[str]:
    now = await people.state()
    return [f"discord:{m.id}" for m in now.messages if m.author != now.bot["id"] and m.only_for is None]


def _compare(database: Path, seen: list[Ours], said: list[str]) -> Audit:
    audit = Audit()
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        for sentence in _violations(db, seen, said, audit.counts):
            audit.violations.append(sentence)
    return audit


def _violations(db: sqlite3.Connection, seen: list[Ours], said: list[str], counts: Counter[str]) -> Iterator[str]:
    incoming = {row["event"]: row for row in db.execute("select * from incoming")}
    turns = {row["tag"]: row for row in db.execute("select * from turns order by id")}
    conversations = {row["id"]: row for row in db.execute("select * from conversations")}
    for event in said:
        counts["messages said"] += 1
        if event not in incoming:
            yield f"lost: {event} was never taken"
        elif incoming[event]["turn"] is None:
            yield f"lost: {event} has no turn"
    replies: dict[str, list[Ours]] = defaultdict(list)
    for message in seen:
        counts["messages of ours"] += 1
        if message.tag not in turns:
            yield f"nobody's: {message}"
        replies[message.tag].append(message)
    expected = _expected(db)
    for tag, turn in turns.items():
        counts[f"turns {turn['outcome']}"] += 1
        conversation = conversations[turn["conversation"]]
        yield from _reply(turn, conversation, replies[tag], expected.get(turn["id"], ""))
    yield from _order(turns, replies)
    yield from _threads(db, counts)


def _expected(db: sqlite3.Connection) -> dict[int, str]:
    """What each turn is to answer: its last question, as the thread has it; another turn's where it gives that anew."""
    last: dict[str, str] = {}
    for row in db.execute("select body from messages where role = 'user' order by seq"):
        body = json.loads(row["body"])
        last[(body.get("metadata") or {}).get("turn", "")] = body["content"][0]["text"]["value"]
    answers: dict[int, str] = {}
    for turn in db.execute("select id, tag, redoes from turns order by id"):
        answers[turn["id"]] = last.get(turn["tag"]) or answers.get(turn["redoes"], "")
    return answers


def _reply(turn: sqlite3.Row, conversation: sqlite3.Row, parts: list[Ours], question: str) -> Iterator[str]:
    name = f"turn {turn['tag']} ({turn['outcome']}: {turn['reason'] or ''})"
    if turn["outcome"] is None:
        yield f"without end: {name}"
        return
    if not parts:
        yield f"silence: {name} {turn['error'] or ''}"
        return
    numbers = sorted(part.part for part in parts)
    if numbers != list(range(1, len(parts) + 1)):
        yield f"doubled: {name} has the parts {numbers}"
    home = {f"{conversation['channel']}:{conversation['thread']}", conversation["thread"], conversation["channel"]}
    if not {part.where for part in parts} <= home:
        yield f"in the wrong place: {name} in {parts[0].where}"
    text = " ".join(part.text for part in sorted(parts, key=lambda part: part.part))
    if turn["outcome"] == "answered" and text != f"You said: {question}":
        yield f"mangled: {name} says {text!r}, not the answer to {question!r}"
    if turn["outcome"] == "stopped" and "Stopped." not in text:
        yield f"mangled: {name} says {text!r}"
    if "Thinking" in text or "continues" in text or "[open stream]" in text:
        yield f"unfinished: {name} says {text!r}"


def _order(turns: dict[str, sqlite3.Row], replies: dict[str, list[Ours]]) -> Iterator[str]:
    latest: dict[int, str] = {}
    for tag, turn in turns.items():
        for part in sorted(replies[tag], key=lambda part: part.part)[:1]:
            if part.order < latest.get(turn["conversation"], ""):
                yield f"out of order: turn {tag} was answered before an earlier one"
            latest[turn["conversation"]] = part.order


def _threads(db: sqlite3.Connection, counts: Counter[str]) -> Iterator[str]:
    """Each question stands once in its thread; no turn has two runs that answered."""
    questions: Counter[tuple[str, str]] = Counter()
    for row in db.execute("select thread_id, body from messages where role = 'user'"):
        questions[row["thread_id"], json.loads(row["body"])["content"][0]["text"]["value"]] += 1
    for (thread, text), count in questions.items():
        if count > 1:
            yield f"doubled: {text!r} stands {count} times in {thread}"
    completed: Counter[str] = Counter()
    for row in db.execute("select status, body from runs"):
        counts["runs"] += 1
        tag = (json.loads(row["body"]).get("metadata") or {}).get("turn", "").partition(".")[0]
        completed[tag] += row["status"] == "completed"
    for tag, count in completed.items():
        if count > 1:
            yield f"doubled: turn {tag} has {count} runs that answered"
