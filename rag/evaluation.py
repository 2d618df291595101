"""Retrieval measured on graded requests: by system, by language, with intervals."""

import asyncio
import csv
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.embedding.ports import Embedder, Purpose
from rag.engine import Shelf
from rag.entries import Where
from rag.index.analysis import read_request
from rag.lexicon import Lexicon
from rag.metrics import MEASURES, Estimate, Grades, estimate, paired_p_value
from rag.money import Money, amount_of
from rag.rerank import ThingsFirst
from rag.retrieval import CANDIDATES, Candidate, Conditions, fuse

SYSTEMS = ("text", "vectors", "fused", "reranked")
DEPTH = 100  # of the kept rankings: judged-only measures look behind the unjudged
BASELINE = "fused"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a graded set, with the conditions it came with."""

    id: str
    text: str
    language: str
    conditions: Conditions
    grades: Grades


@dataclass(frozen=True, slots=True)
class Run:
    """One system's answer to one request."""

    request: Request
    system: str
    ranking: Sequence[str]
    milliseconds: float
    violations: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report; *p_value* compares with the fused system."""

    system: str
    language: str
    measures: Mapping[str, Estimate]
    p_value: float
    violations: int
    median_ms: float
    p95_ms: float


def read_set(queries: Path, qrels: Path) -> list[Request]:
    """
    Read a graded set; raise `ValueError` or `KeyError` for another form.

    *queries* is tab-separated with a header: id, text, language and, if wanted,
    budget, currency, style, category. *qrels* is TREC's: id, 0, document, grade.
    """
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in qrels.read_text("utf-8").splitlines():
        key, _, document, grade = line.split("\t") if "\t" in line else line.split()
        grades[key][document] = int(grade)
    with queries.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [_request(row, grades.get(row["id"], {})) for row in rows]


def _request(row: Mapping[str, str], grades: Grades) -> Request:
    budget = row.get("budget")
    return Request(
        id=row["id"],
        text=row["text"],
        language=row["language"],
        conditions=Conditions(
            budget=Money(amount_of(budget), row.get("currency") or "KRW") if budget else None,
            styles=[row["style"]] if row.get("style") else (),
            categories=[row["category"]] if row.get("category") else (),
        ),
        grades=grades,
    )


class Evaluation:
    """Runs the systems side by side on the same indexes."""

    def __init__(self, shelf: Shelf[Any], embedder: Embedder, lexicon: Lexicon) -> None:
        self._catalogue = shelf.catalogue
        self._text = shelf.index
        self._vectors = shelf.vectors
        self._retriever = shelf.retriever
        self._embedder = embedder
        self._lexicon = lexicon
        self._reranker = ThingsFirst(shelf.index)

    async def run(
        self, requests: Iterable[Request], systems: Sequence[str] = SYSTEMS
    ) -> list[Run]:
        """Return every system's ranking of every request."""
        runs: list[Run] = []
        for request in requests:
            for system in systems:
                runs.append(await self._one(request, system))
                await asyncio.sleep(0)
        return runs

    async def _one(self, request: Request, system: str) -> Run:
        where = self._retriever.where(request.conditions)
        began = time.perf_counter()
        ranked = await self._ranking(request.text, where, system)
        took = (time.perf_counter() - began) * 1e3
        ids = [c.id for c in ranked[:DEPTH]]
        return Run(request, system, ids, took, await self._violations(ids, where))

    async def _ranking(self, text: str, where: Where, system: str) -> Sequence[Candidate]:
        reading = read_request(text, self._lexicon)
        matches = near = []
        if system != "vectors":
            matches = await self._text.matching(reading, where, CANDIDATES)
        if system != "text":
            vector = (await self._embedder.embed([reading.text], Purpose.QUERY))[0]
            near = await self._vectors.nearest(vector, where, CANDIDATES)
        ranked = fuse(matches, near)
        return await self._reranker.rerank(reading, ranked) if system == "reranked" else ranked

    async def _violations(self, ids: Sequence[str], where: Where) -> int:
        """Count hits that should not have passed the filters."""
        if where.everything:
            return 0
        items = await self._catalogue.get(ids)
        return sum(not where.allows(i.entry(self._lexicon).facts) for i in items)


def summarise(runs: Sequence[Run]) -> list[Line]:
    """Return the report's lines: each system in each language and in all."""
    languages = sorted({r.request.language for r in runs})
    scopes = [*languages, "all"] if len(languages) > 1 else languages
    systems = list(dict.fromkeys(r.system for r in runs))
    return [_line(runs, system, scope) for scope in scopes for system in systems]


def _line(runs: Sequence[Run], system: str, scope: str) -> Line:
    chosen = [r for r in runs if scope in {"all", r.request.language}]
    own = [r for r in chosen if r.system == system]
    times = sorted(r.milliseconds for r in own)
    return Line(
        system=system,
        language=scope,
        measures={name: estimate(_values(own, name)) for name in MEASURES},
        p_value=paired_p_value(
            _values(own, "judged nDCG@10"),
            _values([r for r in chosen if r.system == BASELINE], "judged nDCG@10"),
        ),
        violations=sum(r.violations for r in own),
        median_ms=statistics.median(times),
        p95_ms=times[int(len(times) * 0.95) - 1] if len(times) > 1 else times[0],
    )


def _values(runs: Sequence[Run], measure: str) -> list[float]:
    found = [MEASURES[measure](r.ranking, r.request.grades) for r in runs]
    return [value for value in found if value is not None]


def table(lines: Sequence[Line]) -> str:
    """Return the report as a Markdown table."""
    names = list(MEASURES)
    head = ["language", "system", *names, "p", "outside filter", "ms p50/p95", "n"]
    rows = [head, ["---"] * len(head)]
    for line in lines:
        cells = [_cell(line.measures[name]) for name in names]
        count = line.measures[names[0]].count
        rows.append(
            [
                line.language,
                line.system,
                *cells,
                "–" if line.system == BASELINE else f"{line.p_value:.2f}",
                str(line.violations),
                f"{line.median_ms:.0f}/{line.p95_ms:.0f}",
                str(count),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Estimate) -> str:
    return f"{value.mean:.3f} ({value.low:.2f}–{value.high:.2f})"


def plot(lines: Sequence[Line], path: Path) -> None:
    """Draw nDCG and hit@3 with their intervals; needs matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    measures = ("judged nDCG@10", "hit@3")
    figure, axes = plt.subplots(1, len(measures), figsize=(11, 4), sharey=True)
    labels = [f"{line.language} {line.system}" for line in lines]
    for axis, measure in zip(axes, measures, strict=True):
        values = [line.measures[measure] for line in lines]
        means = [v.mean for v in values]
        spread = [[v.mean - v.low for v in values], [v.high - v.mean for v in values]]
        axis.errorbar(means, range(len(values)), xerr=spread, fmt="o", capsize=3)
        axis.set_xlabel(f"{measure}, 95 % interval")
        axis.set_xlim(0, 1.02)
        axis.grid(alpha=0.3)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
