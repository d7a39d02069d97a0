"""Vectors near a question are found: all of them in small stores, nearly all of them in large ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.service import matrix
from assistants.service.matrix import Matrix, as_bytes

MOST = 20
Vectors = np.ndarray[Any, np.dtype[np.float32]]


def topical(count: int, dimensions: int, seed: int) -> Vectors:
    """Vectors as texts have them: around topics, and all of them a little in one direction."""
    chance = np.random.default_rng(seed)
    topics = np.random.default_rng(0).normal(size=(60, dimensions)) + 1
    vectors = topics[chance.integers(0, len(topics), count)] + chance.normal(size=(count, dimensions))
    return np.asarray(vectors, np.float32)


def filled(vectors: Vectors) -> Matrix:
    made = Matrix()
    rows = [{"id": n + 1, "chunk": 1_000 + n, "data": data} for n, data in enumerate(as_bytes(vectors.tolist()))]
    for some in filter(None, (rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        made.take(some)
    made.join()
    return made


def nearest(vectors: Vectors, queries: Vectors, among: Sequence[int]) -> list[int]:
    """What it should find, by every comparison there is."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = (unit @ queries.T).max(axis=1)
    return sorted(among, key=lambda seq: -float(near[seq - 1_000]))[:MOST]


@pytest.mark.parametrize("dimensions", [3, 64, 100])
def test_in_a_small_store_the_nearest_are_found_in_their_order(dimensions: int) -> None:
    vectors, queries = topical(300, dimensions, 1), topical(2, dimensions, 2)
    expected = nearest(vectors, queries, range(1_000, 1_300))
    assert filled(vectors).nearest(queries.tolist(), MOST, None) == expected


def test_in_a_large_store_nearly_all_of_the_nearest_are_found_and_the_nearest_of_all_is() -> None:
    vectors, queries = topical(matrix.ALL + 5_000, 100, 1), topical(20, 100, 2)
    large, everything = filled(vectors), range(1_000, 1_000 + len(vectors))
    found = [large.nearest([query.tolist()], MOST, None) for query in queries]
    expected = [nearest(vectors, query[np.newaxis], everything) for query in queries]
    assert [first for first, *_ in found] == [first for first, *_ in expected]
    assert sum(len({*f} & {*e}) for f, e in zip(found, expected, strict=True)) >= 0.95 * MOST * len(queries)
    both = large.nearest(queries[:2].tolist(), MOST, None)
    assert len({*both} & {*nearest(vectors, queries[:2], everything)}) >= 0.9 * MOST


@pytest.mark.parametrize("count", [300, matrix.ALL + 5_000])
def test_only_those_that_are_asked_for_are_looked_at(count: int) -> None:
    vectors, queries = topical(count, 64, 1), topical(1, 64, 2)
    among = range(1_000, 1_000 + count, 7)
    store = filled(vectors)
    assert store.nearest(queries.tolist(), MOST, among)[0] == nearest(vectors, queries, among)[0]
    assert {*store.nearest(queries.tolist(), MOST, among)} <= {*among}
    assert store.nearest(queries.tolist(), MOST, [1_003]) == [1_003]
    assert store.nearest(queries.tolist(), MOST, []) == []


@given(st.integers(1, 30), st.integers(1, 30))
def test_never_more_than_there_are(count: int, most: int) -> None:
    found = filled(topical(count, 8, 1)).nearest(topical(1, 8, 2).tolist(), most, None)
    assert len(found) == len({*found}) == min(count, most)


def test_a_piece_whose_vector_comes_anew_has_the_new_one() -> None:
    store = filled(topical(10, 8, 1))
    question = topical(1, 8, 2)
    (data,) = as_bytes(question.tolist())
    store.take([{"id": 99, "chunk": 1_009, "data": data}])
    store.join()
    assert store.nearest(question.tolist(), 1, None) == [1_009]
    assert sorted(store.chunks) == list(range(1_000, 1_010))
