"""Searches a vector store by words: filters to SQL, ranks to scores."""

import json
import re
from collections.abc import Sequence
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
from assistants.service.rewriting import rewritten
from storage import chunks
from storage.database import Reader

DEFAULT_RESULTS = 10
MOST_WORDS = 64

_WORD = re.compile(r"\w+")
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


async def search(db: Reader, store_id: str, asked: SearchVectorStore) -> SearchResults:
    queries = [asked.query] if isinstance(asked.query, str) else asked.query
    if asked.rewrite_query:
        queries = [rewritten(query) for query in queries]
    words = words_of(queries)
    condition, values = _Condition().of(asked.filters) if asked.filters else ("", {})
    limit = asked.max_num_results or DEFAULT_RESULTS
    rows = await chunks.search(db, chunks.Search(store_id, words, limit + 1, condition, values))
    ranking = asked.ranking_options or SearchRanking()
    least = ranking.score_threshold or 0.0
    best = min((row["rank"] for row in rows), default=0.0)
    found = [
        SearchResult(
            file_id=row["file_id"],
            filename=row["filename"],
            score=score(row["text"], words, row["rank"] / best if best else 1.0),
            attributes=json.loads(row["body"]).get("attributes") or {},
            content=[TextPiece(text=row["text"])],
        )
        for row in rows[:limit]
    ]
    good = [result for result in found if result.score >= least]
    if ranking.ranker != "none":
        good.sort(key=lambda result: -result.score)
    return SearchResults(search_query=queries, data=good, has_more=len(rows) > limit)


def words_of(queries: Sequence[str]) -> list[str]:
    """The different words of queries, the first ones if there are very many."""
    words = dict.fromkeys(word.casefold() for query in queries for word in _WORD.findall(query))
    return list(words)[:MOST_WORDS]


def score(text: str, words: Sequence[str], relative: float) -> float:
    """From 0 to 1: the share of the words that a piece has, less for one that ranks far below the best."""
    had = {word.casefold() for word in _WORD.findall(text)}
    # The index finds other forms of a word, too: its beginning decides.
    share = sum(any(word.startswith(_stem(wanted)) for word in had) for wanted in words) / len(words)
    return round(share * (0.5 + 0.5 * relative), 4)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]


class _Condition:
    """SQL of a filter on the attributes in a file's JSON; every name and value is a placeholder."""

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
