"""What people have on another server comes over with its ids, and can be taken away again."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bot.conftest import Start, address
from tests.bot.test_program import refusal

BETA = {"OpenAI-Beta": "assistants=v2"}


def told(start: Start, *arguments: str, **env: str) -> str:
    process = start("assistants", *arguments, **env)
    assert process.wait() == 0, process.output
    return process.output


@pytest.fixture
def elsewhere(start: Start, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """Another server with a bit of everything: its address, and what it has."""
    at = address(start("serve", DATA_DIR=str(tmp_path / "other"), THREADLINE_API_KEYS="sk-theirs")) + "/v1"
    headers = BETA | {"authorization": "Bearer sk-theirs"}
    with httpx.Client(base_url=at, headers=headers, trust_env=False) as http:

        def made(path: str, body: Any) -> Any:
            return http.post(path, json=body).json()

        file = http.post("/files", data={"purpose": "assistants"}, files={"file": ("a.txt", b"apples " * 9_000)}).json()
        store = made("/vector_stores", {"name": "Fruit", "file_ids": [file["id"]]})
        tutor = made(
            "/assistants",
            {
                "model": "default",
                "name": "Tutor",
                "tools": [{"type": "file_search"}],
                "tool_resources": {"file_search": {"vector_store_ids": [store["id"]]}},
            },
        )
        thread = made("/threads", {"messages": [{"role": "user", "content": f"{n}"} for n in range(120)]})
    return at, {"file": file, "store": store, "tutor": tutor, "thread": thread}


def test_importing_from_a_server_keeps_ids_and_contents(
    start: Start, elsewhere: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    at, theirs = elsewhere
    asked = ("import", "--from", at, "--key-env", "THEIR_KEY", "--thread", theirs["thread"]["id"])
    report = told(start, *asked, THEIR_KEY="sk-theirs")
    assert report.strip() == "Imported: 1 file, 1 vector store, 1 assistant, 1 thread."
    again = told(start, *asked, THEIR_KEY="sk-theirs")
    assert "Imported: nothing." in again
    assert "Already here and left unchanged: 1 file, 1 vector store, 1 assistant, 1 thread." in again
    here = start("serve")
    with httpx.Client(base_url=f"{address(here)}/v1", headers=BETA, trust_env=False) as http:
        assert http.get(f"/assistants/{theirs['tutor']['id']}").json() == theirs["tutor"]
        assert http.get(f"/threads/{theirs['thread']['id']}").json() == theirs["thread"]
        assert http.get(f"/files/{theirs['file']['id']}/content").content == b"apples " * 9_000
        oldest = http.get(f"/threads/{theirs['thread']['id']}/messages?order=asc&limit=100").json()
        assert [m["content"][0]["text"]["value"] for m in oldest["data"]] == [f"{n}" for n in range(100)]
        while http.get(f"/vector_stores/{theirs['store']['id']}").json()["status"] == "in_progress":
            pass
        found = http.post(f"/vector_stores/{theirs['store']['id']}/search", json={"query": "apple"}).json()["data"]
        assert found[0]["filename"] == "a.txt"


def test_an_export_is_imported_unchanged(start: Start, elsewhere: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    _, theirs = elsewhere
    other = {"DATA_DIR": str(tmp_path / "other")}
    file = tmp_path / "all.json"
    report = told(start, "export", str(file), "--thread", theirs["thread"]["id"], **other)
    assert "contains 1 assistant, 1 vector store, 1 file, 1 thread." in report
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Imported: 1 file, 1 vector store, 1 assistant, 1 thread." in told(start, "import", str(file))
    told(start, "export", str(tmp_path / "again.json"), "--thread", theirs["thread"]["id"])
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("all.json", "again.json"))
    for kept in (first, second):
        for store in kept["vector_stores"]:  # cut anew at the next start, used just now
            store["vector_store"] = store["vector_store"]["id"]
            store["files"] = [entry["id"] for entry in store["files"]]
    assert first == second


@pytest.mark.parametrize("shape", ["one", "list", "page"])
def test_an_sdk_dump_is_imported(start: Start, tmp_path: Path, shape: str) -> None:
    tutor = {
        "id": "asst_1",
        "object": "assistant",
        "created_at": 1,
        "model": "gpt-4o",
        "name": "Tutor",
        "tools": [],
        "metadata": None,
        "temperature": None,
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_gone"]}, "code_interpreter": None},
    }
    shapes: dict[str, Any] = {"one": tutor, "list": [tutor], "page": {"data": [tutor], "object": "list"}}
    (tmp_path / "dump.json").write_text(json.dumps(shapes[shape]))
    report = told(start, "import", "dump.json")
    assert "Imported: 1 assistant." in report
    assert "Vector store vs_gone is named, but did not come over." in report


def test_a_running_server_allows_exports_and_refuses_imports(start: Start, tmp_path: Path) -> None:
    running = start("serve")
    with httpx.Client(base_url=f"{address(running)}/v1", headers=BETA, trust_env=False) as http:
        made = http.post("/assistants", json={"model": "default", "name": "Here"}).json()
        exported = tmp_path / "all.json"
        assert "1 assistant" in told(start, "export", str(exported))
        for asked in ((str(exported),), ("--from", "http://127.0.0.1:9/v1")):
            sentence = refusal(start("assistants", "import", *asked))
            assert f"(process {running.pid}): stop it, import, and start it again." in sentence
        assert made["id"] in {one["id"] for one in http.get("/assistants").json()["data"]}


def test_a_failed_import_is_reported_in_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"object": "assistant"}')
    (tmp_path / "none.json").write_text("no json")
    for arguments, words in (
        (("bad.json",), "bad.json cannot be imported"),
        (("none.json",), "none.json is not valid JSON"),
        (("gone.json",), "gone.json cannot be read"),
        ((), "Name a FILE, or a server"),
        (("--from", "nowhere"), "--from"),
        (("--from", "http://127.0.0.1:9/v1", "--key-env", "NOT_SET"), "NOT_SET"),
    ):
        sentence = refusal(start("assistants", "import", *arguments))
        assert re.search(re.escape(words), sentence), sentence
