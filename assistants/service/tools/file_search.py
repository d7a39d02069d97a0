"""The `file_search` tool: ranks passages of a run's vector stores, quotes them to the model, adds citations."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistants.contract import (
    Annotation,
    FileCitation,
    FileReference,
    FileSearch,
    FileSearchCall,
    FileSearchOptions,
    FileSearchResult,
    FileSearchTool,
    RankingOptions,
    RankingUsed,
    Run,
    RunStep,
    ToolCall,
    ToolCalls,
    VectorStore,
)
from assistants.service import vector_stores
from assistants.service.pieces import ModelError
from assistants.service.rows import from_row
from assistants.service.searching import Searcher, Wanted
from assistants.service.tools import resources, search_calls
from assistants.service.tools.arguments import argument
from assistants.service.tools.search_calls import FIRST, NAME, NOTES, NUMBER, QUERY
from assistants.service.tools.server_tool import ServerTool, Used
from storage import chunks, objects
from storage.database import Database, Row

ABOUT = (
    "Searches the files that were given to you, and returns the passages that fit best. Ask in the words of what you "
    "look for. Use it before you say that you cannot see a file."
)
PARAMETERS = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What to look for."}},
    "required": ["query"],
    "additionalProperties": False,
}
DEFAULT_RESULTS = 20
# The model is given at most this many file names.
NAMED = 20
# How long a search waits for files being indexed, and how often it checks.
READING_SECONDS = 60.0
LOOK_SECONDS = 0.1
EXPIRED = (
    "The vector store {id} has expired, so its files cannot be searched. Make a new one with the same files, and name "
    "it in its place in the tool_resources of the assistant or the thread."
)
NO_QUERY = 'There was nothing to look for: call with {"query": "…"}.'

_MARK = re.compile(r"【(\d+):(\d+)†([^【】\n]*)】")


class FileSearchHere(ServerTool):
    """Searches the vector stores of the assistant, the thread and the run."""

    type = NAME

    def __init__(self, db: Database, searcher: Searcher) -> None:
        self._db = db
        self._searcher = searcher

    async def offer(self, run: Run) -> Mapping[str, Any] | None:
        named = await self._named(run)
        for store in filter(vector_stores.is_over, named):
            raise ModelError(EXPIRED.format(id=store.id))
        names = await chunks.filenames(self._db, [store.id for store in named], NAMED + 1)
        if not names and run.tool_choice in ("none", "auto", None):
            return None
        more = " and others" if len(names) > NAMED else ""
        there = f" Files there: {', '.join(names[:NAMED])}{more}." if names else ""
        return {"name": NAME, "description": f"{ABOUT}{there}", "parameters": PARAMETERS}

    def call(self, id_: str, arguments: str) -> ToolCall:
        search = FileSearch.model_validate({"results": [], QUERY: argument(arguments, "query")})
        return FileSearchCall(id=id_, file_search=search)

    async def use(self, run: Run, call: ToolCall, before: Sequence[ToolCall]) -> Used:
        assert isinstance(call, FileSearchCall)  # noqa: S101 - `call` makes no other kind
        query = str((call.file_search.model_extra or {}).get(QUERY, ""))
        earlier = [*await self._earlier(run.id), *(each for each in before if isinstance(each, FileSearchCall))]
        found = {
            QUERY: query,
            NUMBER: len(earlier),
            FIRST: sum(len(each.file_search.results or ()) for each in earlier),
            **(await self._search(run, query) if query.strip() else {"results": [], NOTES: [NO_QUERY]}),
        }
        return Used(FileSearchCall(id=call.id, file_search=FileSearch.model_validate(found)))

    async def annotations(self, run: Run, text: str) -> Sequence[Annotation]:
        marks = list(_MARK.finditer(text))
        if not marks:
            return []
        places, names = _known(await self._earlier(run.id))
        stores_ = [store.id for store in await self._stores(run)]
        found: list[Annotation] = []
        for each in marks:
            number, place, name = int(each[1]), int(each[2]), each[3]
            # A mark from an earlier answer, or one the model garbled, still contains the file name.
            file_id = places.get((number, place, name)) or names.get(name)
            file_id = file_id or await chunks.file_named(self._db, stores_, name)
            if file_id is not None:
                start, end = each.span()
                reference = FileReference(file_id=file_id)
                found.append(FileCitation(text=each[0], file_citation=reference, start_index=start, end_index=end))
        return found

    async def _search(self, run: Run, query: str) -> dict[str, Any]:
        """Return the results, and notes for the model on files that could not be read."""
        found_in = await self._stores(run)
        ids = [store.id for store in found_in]
        notes = await self._read(ids)
        options = _options(run)
        ranking = options.ranking_options or RankingOptions(score_threshold=0.0)
        wanted = Wanted([query], options.max_num_results or DEFAULT_RESULTS, least=ranking.score_threshold)
        results = await self._searcher.find(ids, wanted)
        for store in found_in:
            await vector_stores.note_use(self._db, store)
        return {
            "ranking_options": RankingUsed(
                ranker=ranking.ranker or "default_2024_08_21", score_threshold=ranking.score_threshold
            ),
            "results": [
                FileSearchResult(file_id=r.file_id, file_name=r.filename, score=r.score, content=r.content)
                for r in results
            ],
            NOTES: notes,
        }

    async def _read(self, store_ids: Sequence[str]) -> list[str]:
        """Wait for files that are being indexed. Return a sentence for each that is unfinished or failed."""
        clock = asyncio.get_running_loop().time
        end = clock() + READING_SECONDS
        while True:
            rows = await chunks.unready(self._db, store_ids, NAMED)
            reading = [row["filename"] for row in rows if row["status"] == "in_progress"]
            if not reading or clock() > end:
                break
            await asyncio.sleep(LOOK_SECONDS)
        failed = [row for row in rows if row["status"] == "failed"]
        return [
            *(f"{name} is still being read; nothing of it was looked at." for name in reading),
            *(f"{row['filename']} cannot be searched: {_why(row)}" for row in failed),
        ]

    async def _stores(self, run: Run) -> list[VectorStore]:
        """Return the vector stores that can be searched."""
        return [store for store in await self._named(run) if not vector_stores.is_over(store)]

    async def _named(self, run: Run) -> list[VectorStore]:
        """Return the vector stores that exist."""
        ids = await resources.named(self._db, run, NAME, "vector_store_ids")
        rows = [await objects.find(self._db, "vector_stores", id_) for id_ in ids]
        return [from_row(VectorStore, row) for row in rows if row]

    async def _earlier(self, run_id: str) -> list[FileSearchCall]:
        """Return the searches in a run's ended steps, oldest first."""
        steps = [from_row(RunStep, row) for row in await objects.steps_done(self._db, run_id)]
        return [
            call
            for step in steps
            if step.status == "completed" and isinstance(step.step_details, ToolCalls)
            for call in step.step_details.tool_calls
            if isinstance(call, FileSearchCall)
        ]


def _why(row: Row) -> str:
    error = json.loads(row["body"]).get("last_error") or {}
    return str(error.get("message") or "it could not be read.")


def _known(searches: Sequence[FileSearchCall]) -> tuple[dict[tuple[int, int, str], str], dict[str, str]]:
    """Return the found files, by citation mark and by file name."""
    places: dict[tuple[int, int, str], str] = {}
    names: dict[str, str] = {}
    for call in searches:
        kept = call.file_search.model_extra or {}
        for place, result in enumerate(call.file_search.results or (), kept.get(FIRST, 0)):
            name = search_calls.named(result.file_name)
            places[kept.get(NUMBER, 0), place, name] = result.file_id
            names.setdefault(name, result.file_id)
    return places, names


def _options(run: Run) -> FileSearchOptions:
    tool = next((tool for tool in run.tools if isinstance(tool, FileSearchTool)), None)
    return (tool.file_search if tool else None) or FileSearchOptions()
