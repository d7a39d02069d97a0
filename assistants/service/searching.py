"""Searches vector stores by keyword and embedding: turns filters into SQL, ranks into scores."""

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistants.contract import (
    ComparisonFilter,
    CompoundFilter,
    Filter,
    SearchRanking,
    SearchResult,
    SearchResults,
    SearchVectorStore,
    TextPiece,
)
from assistants.service.meaning import Meaning
from assistants.service.pieces import ModelError
from assistants.service.rewriting import rewritten
from storage import passages
from storage.database import Reader, Row
from storage.passages import Search

DEFAULT_RESULTS = 10
MOST_WORDS = 64
# DEPTH is how many chunks each kind of search contributes to the fusion, and FLATNESS how slowly their score falls with
# rank. With the usual 60, ten chunks that both searches rank low would outweigh the one that one of them ranks first.
DEPTH = 50
FLATNESS = 5

logger = logging.getLogger(__name__)

_WORD = re.compile(r"\w+")
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search: queries, number of results, minimum score, and whether to rank.

    Unranked results come in index order.
    """

    queries: Sequence[str]
    most: int
    filters: Filter | None = None
    least: float = 0.0
    ranked: bool = True


class Searcher:
    """Finds passages of vector stores by keyword, and by embedding if there is an embedder."""

    def __init__(self, db: Reader, meaning: Meaning | None = None) -> None:
        self._db = db
        self._meaning = meaning

    async def search(self, store_id: str, asked: SearchVectorStore) -> SearchResults:
        """Return a page of search results."""
        queries = [asked.query] if isinstance(asked.query, str) else asked.query
        if asked.rewrite_query:
            queries = [rewritten(query) for query in queries]
        most = asked.max_num_results or DEFAULT_RESULTS
        ranking = asked.ranking_options or SearchRanking()
        least = ranking.score_threshold or 0.0
        wanted = Wanted(queries, most + 1, asked.filters, least, ranked=ranking.ranker != "none")
        found = await self.find([store_id], wanted)
        return SearchResults(search_query=queries, data=found[:most], has_more=len(found) > most)

    async def find(self, store_ids: Sequence[str], wanted: Wanted) -> list[SearchResult]:
        """Return the best passages."""
        words = words_of(wanted.queries)
        condition, values = _Condition().of(wanted.filters) if wanted.filters else ("", {})
        depth = wanted.most if self._meaning is None else max(wanted.most, DEPTH)
        rows: list[tuple[Row, float]] = []
        for id_ in store_ids:
            search = Search(id_, words, depth, condition, values)
            by_words, near = await asyncio.gather(passages.by_words(self._db, search), self._nearest(search, wanted))
            rows += _by_words(by_words, words) if near is None else await self._fused(search, by_words, near)
        good = [pair for pair in rows if pair[1] >= wanted.least]
        if wanted.ranked:
            good.sort(key=lambda pair: -pair[1])
        return [_result(row, said) for row, said in good[: wanted.most]]

    async def _nearest(self, search: Search, wanted: Wanted) -> list[int] | None:
        """Return the semantically nearest chunks; None without usable embeddings."""
        queries = [query for query in wanted.queries if query.strip()]
        if self._meaning is None or not queries:
            return None
        among = set(await passages.seqs_of(self._db, search)) if search.condition else None
        try:
            return await self._meaning.nearest(search.vector_store_id, queries, search.limit, among)
        except ModelError as error:
            logger.warning("Searched by words alone: %s", error)
            return None

    async def _fused(self, search: Search, by_words: Sequence[Row], near: Sequence[int]) -> list[tuple[Row, float]]:
        """Merge both lists by reciprocal rank fusion: a chunk that is first in both scores 1."""
        ranked = [[row["seq"] for row in by_words], near]
        rows = {row["seq"]: row for row in by_words}
        missing = [seq for seq in near if seq not in rows]
        rows |= {row["seq"]: row for row in await passages.by_seq(self._db, search, missing)} if missing else {}
        scores = dict.fromkeys(rows, 0.0)
        for seqs in ranked:
            for place, seq in enumerate(seq for seq in seqs if seq in rows):
                scores[seq] += (FLATNESS + 1) / (FLATNESS + 1 + place) / len(ranked)
        return [(rows[seq], round(score, 4)) for seq, score in scores.items()]


def _by_words(rows: Sequence[Row], words: Sequence[str]) -> list[tuple[Row, float]]:
    best = min((row["rank"] for row in rows), default=0.0)
    return [(row, score(row["text"], words, row["rank"] / best if best else 1.0)) for row in rows]


def _result(row: Row, said: float) -> SearchResult:
    return SearchResult(
        file_id=row["file_id"],
        filename=row["filename"],
        score=said,
        attributes=json.loads(row["body"]).get("attributes") or {},
        content=[TextPiece(text=row["text"])],
    )


def words_of(queries: Sequence[str]) -> list[str]:
    """Return the distinct words of queries, limited in number."""
    words = dict.fromkeys(word.casefold() for query in queries for word in _WORD.findall(query))
    return list(words)[:MOST_WORDS]


def score(text: str, words: Sequence[str], relative: float) -> float:
    """Return a score from 0 to 1: the share of words in a chunk, lowered if it ranks far below the best."""
    had = {word.casefold() for word in _WORD.findall(text)}
    # The index also finds other forms of a word, so the beginnings of words are compared.
    share = sum(any(word.startswith(_stem(wanted)) for word in had) for wanted in words) / len(words)
    return round(share * (0.5 + 0.5 * relative), 4)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]


class _Condition:
    """The SQL of a filter on file attributes; every name and value is a placeholder."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def of(self, filter_: Filter) -> tuple[str, dict[str, Any]]:
        return self._sql(filter_), self._values

    def _sql(self, filter_: Filter) -> str:
        if isinstance(filter_, CompoundFilter):
            parts = [f"({self._sql(part)})" for part in filter_.filters]
            return f" {filter_.type} ".join(parts) or "1"
        return self._comparison(filter_)

    def _comparison(self, filter_: ComparisonFilter) -> str:
        key = self._put(filter_.key)
        attribute = f"(select value from json_each(f.body, '$.attributes') where key = {key})"  # noqa: S608 - a placeholder
        if filter_.type in ("in", "nin"):
            many = filter_.value if isinstance(filter_.value, list) else [filter_.value]
            among = " or ".join(f"{attribute} is {self._put(value)}" for value in many) or "0"
            return f"({among})" if filter_.type == "in" else f"not ({among})"
        if isinstance(filter_.value, list):
            return "0"
        value = self._put(filter_.value)
        if filter_.type in ("eq", "ne"):
            return f"{attribute} {'is' if filter_.type == 'eq' else 'is not'} {value}"
        # Numbers compare with numbers and text with text; SQLite would put all text after all numbers.
        alike = f"(typeof({attribute}) = 'text') = (typeof({value}) = 'text')"
        return f"{attribute} {_SIGNS[filter_.type]} {value} and {alike}"

    def _put(self, value: object) -> str:
        name = f"filter{len(self._values)}"
        self._values[name] = value
        return f":{name}"
