"""MiniLM says here what texts mean; the real model, out of the package index."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from assistants.service import minilm
from assistants.service.minilm import MODEL, TOKENIZER, LocalEmbedder
from assistants.service.pieces import ModelError
from bot.adapter import ConfigurationError
from bot.resources import embedder_of
from bot.settings import Settings
from tests.models.fixtures import fetched, lend
from tests.models.wheels import shelf

CAT = "The cat sleeps for most of the day."
SHARES = "Share prices fell sharply on Monday."


@pytest.fixture
async def embedder(tmp_path: Path) -> AsyncIterator[LocalEmbedder]:
    if reason := minilm.why_not():
        pytest.skip(reason)
    for file in fetched(MODEL, TOKENIZER):
        lend(file, tmp_path)
    embedder = LocalEmbedder(tmp_path)
    yield embedder
    await embedder.aclose()


async def likeness(embedder: LocalEmbedder, text: str, *others: str) -> list[float]:
    first, *rest = np.array(await embedder.embed([text, *others]))
    return [float(first @ other / np.linalg.norm(first) / np.linalg.norm(other)) for other in rest]


async def test_texts_that_mean_the_same_are_alike_whatever_their_words(embedder: LocalEmbedder) -> None:
    kitten, shares = await likeness(embedder, CAT, "A kitten naps until the evening.", SHARES)
    assert kitten > 0.4
    assert shares < 0.2


async def test_the_end_of_a_long_text_counts(embedder: LocalEmbedder) -> None:
    """The model itself reads the first 256 tokens."""
    filler = "Nothing is said here that would be of any use to anybody. " * 30
    without, with_ = await likeness(embedder, CAT, filler, filler + f"{CAT} " * 30)
    assert with_ > without + 0.2


async def test_a_question_does_not_wait_for_a_file(embedder: LocalEmbedder) -> None:
    await embedder.embed([CAT])
    file = asyncio.create_task(embedder.embed([SHARES] * 500))
    await asyncio.sleep(0)
    assert len((await embedder.embed([CAT]))[0]) == 384
    assert not file.done()
    file.cancel()


async def test_a_package_index_without_the_model_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shelf(tmp_path / "shelf").items():
        monkeypatch.setenv(name, value)
    embedder = LocalEmbedder(tmp_path)
    with pytest.raises(ModelError, match=r"which holds the local embeddings' model, was not found"):
        await embedder.embed([CAT])
    await embedder.aclose()


def test_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"EMBEDDING_MODEL=local: .*pip install -e '\.\[embeddings\]'"):
        embedder_of(Settings(embedding_model="local", _env_file=None))
