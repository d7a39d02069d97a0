"""The page's API, over a real socket: what it takes, what it refuses and in which words."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot.files import LARGEST, MOST_FILES
from bot.segments import Notice, Text
from bot.views import AssistantChoice, FoundEndpoint
from tests.web.stage import StageBot, serving

KEY = "web:6f1c2f0e-0f6e-4c7e-9f1b-3f6f7a1b2c3d"
MESSAGES = f"/conversations/{KEY}/messages"
BYTES = {"content-type": "application/octet-stream"}


def message(text: object = "Hello", **changed: object) -> dict[str, object]:
    return {"event": str(uuid.uuid4()), "text": text, **changed}


async def test_a_message_is_one_incoming_however_often_it_is_sent(http: httpx.AsyncClient, bot: StageBot) -> None:
    """A resend after a lost answer must not be a second question."""
    sent = message("Are you there?")
    first, again = [await http.post(MESSAGES, json=sent) for _ in range(2)]

    assert (first.status_code, first.json()["outcome"]) == (202, "accepted")
    assert (again.status_code, again.json()["outcome"]) == (202, "duplicate")
    [incoming] = bot.received
    assert incoming.event == f"web:{sent['event']}"
    assert (incoming.place.key, incoming.place.platform, incoming.author.id) == (KEY, "web", "web")
    assert incoming.text == "Are you there?"
    assert incoming.addressed


async def test_a_conversation_of_the_terminal_goes_on_here(http: httpx.AsyncClient, bot: StageBot) -> None:
    sent = message()
    await http.post("/conversations/console:main/messages", json=sent)

    [incoming] = bot.received
    assert (incoming.place.key, incoming.place.platform) == ("console:main", "console")
    assert incoming.event == f"console:{sent['event']}"


async def test_a_conversation_is_renamed_and_deleted_or_the_reason_is_said(
    http: httpx.AsyncClient, bot: StageBot
) -> None:
    place = f"/conversations/{KEY}"
    await http.post(MESSAGES, json=message("Hello"))
    assert (await http.patch(place, json={"title": "Greetings"})).status_code == 200
    assert (await http.get("/conversations")).json()["conversations"][0]["title"] == "Greetings"
    assert (await http.patch(place, json={"title": 7})).json() == {"error": "`title` must be text."}
    bot.undeletable = "An answer is still being written there."
    kept = await http.delete(place)
    assert (kept.status_code, kept.json()["error"]) == (409, bot.undeletable)
    bot.undeletable = ""
    assert (await http.delete(place)).status_code == 200
    assert (await http.get("/conversations")).json() == {"conversations": []}


@pytest.mark.parametrize("step", [1, 0, -1_000_000_000])
async def test_positions_sort_as_the_messages_came_although_the_clock_is_set_back(
    http: httpx.AsyncClient, bot: StageBot, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    for number, text in enumerate(("one", "two", "three")):
        monkeypatch.setattr(time, "time_ns", lambda number=number: 1_800_000_000_000_000_000 + number * step)
        await http.post(MESSAGES, json=message(text))

    by_position = sorted(bot.received, key=lambda incoming: incoming.position)
    assert [incoming.text for incoming in by_position] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (message(""), "empty"),
        (message(" \n\t "), "empty"),
        (message(7), "`text` must be text"),
        (message(None), "`text` must be text"),
        ({"event": str(uuid.uuid4())}, "empty"),
        (message("x" * 100_001), "100,001 characters; the limit is 100,000"),
        ({"text": "Hello"}, "`event`, a UUID"),
        (message(event=12), "`event`, a UUID"),
        (message(event="not-a-uuid"), "`event`, a UUID"),
        (message(event="../../etc"), "`event`, a UUID"),
    ],
)
async def test_a_bad_message_is_refused_in_a_sentence(
    http: httpx.AsyncClient, bot: StageBot, body: Mapping[str, object], says: str
) -> None:
    response = await http.post(MESSAGES, json=body)

    assert response.status_code == 400
    assert says in response.json()["error"]
    assert bot.received == []


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"{", "application/json", "not valid JSON"),
        (b"\xff\xfe", "application/json", "not valid JSON"),
        (b"[" * 100_000, "application/json", "not valid JSON"),
        (b"[1, 2]", "application/json", "must be a JSON object"),
        (b'"words"', "application/json", "must be a JSON object"),
        (b'{"text": "a form can send this"}', "text/plain", "Content-Type: application/json"),
        (b'{"text": "' + b"x" * (2 * 1024 * 1024) + b'"}', "application/json", "too large"),
    ],
)
async def test_a_body_that_is_no_message_is_refused(
    http: httpx.AsyncClient, content: bytes, kind: str, says: str
) -> None:
    response = await http.post(MESSAGES, content=content, headers={"content-type": kind})

    assert response.status_code == 400
    assert says in response.json()["error"]


@pytest.mark.parametrize("key", ["slack:T1:C1:1.2", "web:", "web:a b", "web:../x", "console:" + "x" * 101, "nothing"])
@pytest.mark.parametrize("rest", ["", "/events", "/assistants"])
async def test_only_conversations_of_page_and_terminal_are_shown(http: httpx.AsyncClient, key: str, rest: str) -> None:
    response = await http.get(f"/conversations/{key.replace('/', '%2F')}{rest}")

    assert response.status_code in (400, 404)
    assert response.json()["error"].endswith(".")


async def test_half_a_character_is_stored_as_a_whole_one(http: httpx.AsyncClient, bot: StageBot) -> None:
    """JSON can hold half a surrogate pair; no database can."""
    content = b'{"event": "6f1c2f0e-0f6e-4c7e-9f1b-3f6f7a1b2c3d", "text": "half \\ud83d, whole \\ud83d\\ude00"}'
    response = await http.post(MESSAGES, content=content, headers={"content-type": "application/json"})

    assert response.status_code == 202
    assert bot.received[0].text == "half \N{REPLACEMENT CHARACTER}, whole \N{GRINNING FACE}"


async def test_a_message_that_could_not_be_stored_is_not_acknowledged(http: httpx.AsyncClient, bot: StageBot) -> None:
    bot.refusing = True
    sent = message()
    refused = await http.post(MESSAGES, json=sent)
    bot.refusing = False
    accepted = await http.post(MESSAGES, json=sent)

    assert refused.status_code == 503
    assert "Send it again" in refused.json()["error"]
    assert accepted.json()["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("/assistant list", "list"),
        ("  /assistant use Math Tutor ", "use Math Tutor"),
        ("/assistant", ""),
        ("/assistant\nlist", "list"),
    ],
)
async def test_a_command_is_answered_at_once(http: httpx.AsyncClient, bot: StageBot, text: str, asked: str) -> None:
    sent = message(text)
    response = await http.post(MESSAGES, json=sent)

    assert response.json() == {
        "outcome": "command",
        "text": f"You asked for {asked}.",
        "html": f"<p>You asked for {asked}.</p>",
        "conversation": None,
    }
    [command] = bot.commands
    assert (command.event, command.text) == (f"web:{sent['event']}", asked)
    assert bot.received == []


@pytest.mark.parametrize("text", ["/assistants list", "please /assistant list", "/etc/passwd"])
async def test_what_only_looks_like_a_command_is_a_message(http: httpx.AsyncClient, bot: StageBot, text: str) -> None:
    response = await http.post(MESSAGES, json=message(text))

    assert response.json()["outcome"] == "accepted"
    assert bot.commands == []


async def test_a_new_conversation_has_a_key_of_its_own(http: httpx.AsyncClient) -> None:
    opened = (await http.post(MESSAGES, json=message("/assistant new"))).json()["conversation"]

    assert opened.startswith("web:")
    assert opened != KEY
    assert (await http.get(f"/conversations/{opened}")).json() == {"key": opened, "exchanges": []}


async def test_a_transcript_holds_questions_answers_and_notices(http: httpx.AsyncClient, bot: StageBot) -> None:
    sent = message("Why?")
    await http.post(MESSAGES, json=sent)
    turn = bot.show(KEY, status="Thinking…")
    bot.finish(KEY, Text("*Because*."), Notice("often wrong"))

    [exchange] = (await http.get(f"/conversations/{KEY}")).json()["exchanges"]
    assert (exchange["turn"], exchange["question"], exchange["state"]) == (turn, "Why?", "answered")
    assert exchange["events"] == [f"web:{sent['event']}"]
    assert exchange["answer"] == [
        {"type": "text", "markdown": "*Because*.", "html": "<p><em>Because</em>.</p>"},
        {"type": "notice", "text": "often wrong", "kind": "label", "remedy": None},
    ]
    [listed] = (await http.get("/conversations")).json()["conversations"]
    assert (listed["key"], listed["title"], listed["platform"]) == (KEY, "Why?", "web")


async def test_assistants_say_whether_they_are_ready(http: httpx.AsyncClient, bot: StageBot) -> None:
    bot.choices = [AssistantChoice("tour", "Tour", "Shows around.", ready=True, chosen=True)]

    assert (await http.get(f"/conversations/{KEY}/assistants")).json() == {
        "assistants": [
            {"name": "tour", "title": "Tour", "description": "Shows around.", "ready": True, "chosen": True},
        ]
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"model": "m"}, "Enter the address"),
        ({"base_url": "  ", "model": "m"}, "Enter the address"),
        ({"base_url": 5, "model": "m"}, "`base_url` must be text"),
        ({"base_url": "http://h/v1", "model": "m", "api_key": "two\nlines"}, "key contains invalid characters"),
        ({"base_url": "http://h/v1", "model": "m\0"}, "model's name contains invalid characters"),
        ({"base_url": "http://h/" + "x" * 2000, "model": "m"}, "too long"),
        ({"base_url": "http://h/v1", "model": "m", "api_key": "sk-wrong"}, "refused the key"),
    ],
)
async def test_an_endpoint_that_cannot_be_used_is_refused_in_a_sentence(
    http: httpx.AsyncClient, bot: StageBot, body: Mapping[str, object], says: str
) -> None:
    response = await http.post("/models/connect", json=body)

    assert response.status_code == 400
    assert says in response.json()["error"]
    assert "sk-wrong" not in response.text
    assert bot.models is not None
    assert not bot.models.status().connected


async def test_a_connected_model_is_shown_without_its_key(http: httpx.AsyncClient, bot: StageBot) -> None:
    assert bot.desk is not None
    bot.desk.found = [FoundEndpoint("Ollama", "http://127.0.0.1:11434/v1", ("llama3.2",))]
    endpoint = {"base_url": "http://127.0.0.1:11434/v1", "api_key": "sk-right", "model": "llama3.2"}
    connected = await http.post("/models/connect", json=endpoint)
    status = await http.get("/models")
    found = await http.get("/models/found")

    assert connected.status_code == 200
    assert (status.json()["models"]["connected"], status.json()["models"]["model"]) == (True, "llama3.2")
    assert found.json()["found"] == [
        {"name": "Ollama", "base_url": "http://127.0.0.1:11434/v1", "models": ["llama3.2"]}
    ]
    assert "sk-right" not in connected.text + status.text


async def test_where_another_server_runs_the_assistants_models_are_connected_there(
    http: httpx.AsyncClient, bot: StageBot
) -> None:
    bot.desk = None
    answers: list[Any] = [
        await http.get("/models"),
        await http.get("/models/found"),
        await http.post("/models/connect", json={"base_url": "http://h/v1", "model": "m"}),
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert all("ASSISTANTS_BASE_URL" in answer.json()["error"] for answer in answers)


async def test_the_page_loads_nothing_from_elsewhere(bot: StageBot) -> None:
    async with serving(bot) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        for path in ("/", f"/c/{KEY}", "/static/app.js", "/static/style.css"):
            response = await client.get(path)
            assert response.status_code == 200
            assert response.headers["content-security-policy"].startswith("default-src 'self';")
            assert response.headers["x-content-type-options"] == "nosniff"
        assert "style=" not in (await client.get("/")).text
        assert (await client.get("/static/../routes.py")).status_code == 404


async def test_what_is_not_there_is_said_in_json(http: httpx.AsyncClient) -> None:
    missing = await http.get("/nowhere")
    wrong = await http.put("/conversations")

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json() == {"error": "There is nothing at this address."}
    assert wrong.json() == {"error": "PUT is not possible here."}


async def attached(http: httpx.AsyncClient, name: str = "notes.txt", data: bytes = b"Buy bread.") -> dict[str, Any]:
    response = await http.post("/files", params={"name": name}, content=data, headers=BYTES)
    assert response.status_code == 201
    told: dict[str, Any] = response.json()
    return told


async def test_a_file_is_typed_by_its_content_and_goes_with_its_message(http: httpx.AsyncClient, bot: StageBot) -> None:
    file = await attached(http, "picture.txt", b"GIF89a" + bytes(20))
    assert (file["media_type"], file["picture"], file["size"]) == ("image/gif", True, 26)
    shown = await http.get(f"/files/{file['id']}")
    assert (shown.headers["content-type"], shown.content[:3]) == ("image/gif", b"GIF")
    await http.post(MESSAGES, json=message("", files=[file]))

    [incoming] = bot.received
    assert [(one.kept, one.media_type) for one in incoming.files] == [(file["id"], "image/gif")]
    [exchange] = (await http.get(f"/conversations/{KEY}")).json()["exchanges"]
    assert exchange["files"] == [file]


async def test_only_a_file_that_was_not_sent_is_taken_back(http: httpx.AsyncClient, bot: StageBot) -> None:
    sent, loose = await attached(http), await attached(http)
    await http.post(MESSAGES, json=message(files=[sent]))
    for file in (sent, loose, {"id": "file-of-somebody"}):
        assert (await http.delete(f"/files/{file['id']}")).status_code == 200

    assert list(bot.files) == [sent["id"]]


async def test_the_page_is_told_how_much_it_may_attach(http: httpx.AsyncClient) -> None:
    assert (await http.get("/files")).json() == {"most": MOST_FILES, "largest": LARGEST}


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"x" * (LARGEST + 1), "application/octet-stream", "“notes.txt” is too large: files of up to 20 MiB"),
        (b"a foreign form can send this", "text/plain", "Content-Type: application/octet-stream"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_in_a_sentence(
    http: httpx.AsyncClient, bot: StageBot, data: bytes, kind: str, says: str
) -> None:
    response = await http.post("/files", params={"name": "notes.txt"}, content=data, headers={"content-type": kind})

    assert response.status_code == 400
    assert says in response.json()["error"]
    assert bot.files == {}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ("file-1", "must be a list"),
        (["file-1"], "must be a list"),
        ([{"name": "no id", "size": 1}], "never attached"),
        ([{"id": "../secrets", "name": "x", "size": 1}], "never attached"),
        ([{"id": "file-1", "name": "x", "size": "1"}], "never attached"),
        ([{"id": "file-1", "name": "x" * 1_001, "size": 1}], "never attached"),
        ([{"id": "file-1", "name": "x", "size": 1}] * (MOST_FILES + 1), "at most 10 files; this one has 11"),
    ],
)
async def test_files_that_were_not_attached_are_refused(
    http: httpx.AsyncClient, bot: StageBot, files: object, says: str
) -> None:
    response = await http.post(MESSAGES, json=message(files=files))

    assert response.status_code == 400
    assert says in response.json()["error"]
    assert bot.received == []
