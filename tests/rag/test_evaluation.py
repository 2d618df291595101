"""Measures by hand-worked examples, the command line, and the promised quality."""

import io
import json
import math
from pathlib import Path

import pytest

from rag import cli
from rag.engine import open_engine
from rag.evaluation import Evaluation, summarise
from rag.feedback import Feedback, judgements, record
from rag.metrics import estimate, hit, judged_only_ndcg, ndcg, paired_p_value, precision, recall
from rag.settings import RagSettings
from stores.sqlite import SqliteStore

GRADES = {"a": 3, "b": 2, "c": 0}


def test_measures_of_a_small_ranking() -> None:
    """Worked out by hand; unjudged documents count unless left out."""
    ranking = ["x", "b", "a"]
    gain = 3 / math.log2(3) + 7 / math.log2(4)
    ideal = 7 / math.log2(2) + 3 / math.log2(3)
    assert ndcg(ranking, GRADES) == pytest.approx(gain / ideal)
    judged = (3 / math.log2(2) + 7 / math.log2(3)) / ideal
    assert judged_only_ndcg(ranking, GRADES) == pytest.approx(judged)
    assert precision(ranking, GRADES) == pytest.approx(2 / 3)
    assert (hit(ranking, GRADES, 1), hit(ranking, GRADES, 2)) == (0, 1)
    assert recall(ranking, GRADES, 2) == 0.5
    assert ndcg(ranking, {"a": 0}) is None
    assert recall(ranking, {"a": 1}) is None


def test_intervals_and_the_paired_test() -> None:
    """Equal systems do not differ, a clearly better one does."""
    found = estimate([0.0, 1.0] * 50)
    assert found.mean == 0.5
    assert 0.38 < found.low < 0.45
    assert 0.55 < found.high < 0.62
    assert paired_p_value([0.5] * 20, [0.5] * 20) == 1
    assert paired_p_value([0.9] * 20, [0.5] * 20) < 0.001


async def test_feedback_becomes_judgements(store: SqliteStore) -> None:
    """The majority decides; a tie is not helpful."""
    for user, helpful in enumerate((True, True, False)):
        await record(store, Feedback("소파", "ko", "s1", helpful), key=f"s1-{user}")
    for user, helpful in enumerate((True, False)):
        await record(store, Feedback("소파", "ko", "s2", helpful), key=f"s2-{user}")
    assert await judgements(store) == {("소파", "ko"): {"s1": 2, "s2": 0}}


@pytest.mark.slow
async def test_the_demonstration_reaches_the_promised_quality(tmp_path: Path) -> None:
    """hit@3 at least .95 in both languages and no hit outside a filter."""
    store = await SqliteStore.open(tmp_path / "documents.sqlite3")
    async with open_engine(RagSettings(), store, tmp_path) as engine:
        assert (await engine.load_demo()).failed == 0
        evaluation = Evaluation(engine.products, engine.embedder, engine.lexicon)
        lines = summarise(await evaluation.run(cli._demo_set(), ["fused"]))
    await store.close()
    fused = {line.language: line for line in lines}
    assert fused["ko"].measures["hit@3"].mean >= 0.95
    assert fused["en"].measures["hit@3"].mean >= 0.95
    assert sum(line.violations for line in lines) == 0


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Choose the quicker model and return a directory to work in."""
    monkeypatch.setenv("SIGNALLING_EMBEDDING_PROVIDER", "muse")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_index_and_search_from_the_command_line(
    light: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON line for each request, in their order; exit code 1 when a row failed."""
    feed = light.parent / "f.jsonl"
    products = [
        {"id": "sofa", "title": "Red leather sofa", "price_cents": 129900, "brand": "X"},
        {"id": "desk", "name": {"ko": "원목 책상"}, "price": "200000", "currency": "KRW"},
        {"id": "bad", "name": "x"},
    ]
    feed.write_text("\n".join(json.dumps(p) for p in products), "utf-8")
    arguments = ["index", str(feed), "--data_dir", str(light), "--currency", "USD"]
    assert cli.main(arguments) == 1
    out = capsys.readouterr()
    assert json.loads(out.out)["indexed"] == 2
    assert "f.jsonl, row 3, field price" in out.err
    monkeypatch.setattr("sys.stdin", io.StringIO("책상\ncouch\n\n"))
    assert cli.main(["search", "--json", "--limit", "1", "--data_dir", str(light)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [a["query"] for a in answers] == ["책상", "couch", ""]
    assert [a["hits"][0]["id"] for a in answers[:2]] == ["desk", "sofa"]


def test_search_indexes_what_another_version_left(
    light: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An index of another format or model is empty at first; an answer is not."""
    feed = light.parent / "f.jsonl"
    feed.write_text('{"id": "sofa", "name": "Red sofa", "price": "1"}', "utf-8")
    assert cli.main(["index", str(feed), "--data_dir", str(light)]) == 0
    for leftover in light.glob("products-index*"):
        leftover.unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO("sofa\n"))
    capsys.readouterr()
    assert cli.main(["search", "--json", "--data_dir", str(light)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [hit["id"] for hit in answer["hits"]] == ["sofa"]


def test_wrong_usage_and_missing_files(
    light: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line on standard error; 1 for a file that is not there, 2 for a wrong option."""
    assert cli.main(["index", "nowhere.jsonl", "--data_dir", str(light)]) == 1
    monkeypatch.setenv("SIGNALLING_EMBEDDING_PROVIDER", "abacus")
    assert cli.main(["index", "nowhere.jsonl"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
