"""
Measures of a ranking against graded judgements, and how sure they are.

Grades are 0 to 3; 2 and more is relevant. Documents nobody judged count as not
relevant, except in the judged-only measure, which leaves them out first
(Sakai, "Alternatives to Bpref", SIGIR 2007).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RELEVANT = 2
_SAMPLES = 2_000
_SEED = 20_240_601  # the same report from the same runs

Grades = Mapping[str, int]


def dcg(grades: Sequence[int]) -> float:
    """Discounted cumulative gain with exponential gain (Burges et al. 2005)."""
    return sum((2.0**g - 1) / math.log2(rank + 1) for rank, g in enumerate(grades, 1))


def ndcg(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float | None:
    """Return nDCG at *depth*; None when nothing has a grade above 0."""
    ideal = dcg(sorted(grades.values(), reverse=True)[:depth])
    if ideal == 0:
        return None
    return dcg([grades.get(key, 0) for key in ranking[:depth]]) / ideal


def judged_only_ndcg(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float | None:
    """Return nDCG of the ranking without its unjudged documents."""
    return ndcg([key for key in ranking if key in grades], grades, depth)


def precision(ranking: Sequence[str], grades: Grades, depth: int = 3) -> float | None:
    """Return the share of relevant documents among the first *depth*."""
    if not _relevant(grades):
        return None
    return len(set(ranking[:depth]) & _relevant(grades)) / depth


def hit(ranking: Sequence[str], grades: Grades, depth: int = 3) -> float | None:
    """Return 1 when a relevant document is among the first *depth*, else 0."""
    found = precision(ranking, grades, depth)
    return None if found is None else float(found > 0)


def judged_only_hit(ranking: Sequence[str], grades: Grades, depth: int = 3) -> float | None:
    """Return `hit` of the ranking without its unjudged documents."""
    return hit([key for key in ranking if key in grades], grades, depth)


def recall(ranking: Sequence[str], grades: Grades, depth: int = 20) -> float | None:
    """Return the share of the relevant documents that are among the first *depth*."""
    relevant = _relevant(grades)
    return len(set(ranking[:depth]) & relevant) / len(relevant) if relevant else None


def _relevant(grades: Grades) -> set[str]:
    return {key for key, grade in grades.items() if grade >= RELEVANT}


MEASURES = {
    "nDCG@10": ndcg,
    "judged nDCG@10": judged_only_ndcg,
    "P@3": precision,
    "hit@3": hit,
    "judged hit@3": judged_only_hit,
    "recall@20": recall,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over requests with the bounds of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    count: int


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean and its percentile bootstrap interval (Efron 1979)."""
    if not values:
        return Estimate(math.nan, math.nan, math.nan, 0)
    sample = np.asarray(values)
    rng = np.random.default_rng(_SEED)
    means = rng.choice(sample, (_SAMPLES, len(sample))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high), len(sample))


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """
    Return how likely so large a mean difference is if the systems are equal.

    A two-sided randomisation test over requests (Smucker, Allan, Carterette 2007).
    """
    differences = np.asarray(first) - np.asarray(second)
    if not len(differences) or not differences.any():
        return 1.0
    rng = np.random.default_rng(_SEED)
    signs = rng.choice([-1.0, 1.0], (_SAMPLES * 5, len(differences)))
    means = np.abs((signs * differences).mean(axis=1))
    extreme = int((means >= abs(differences.mean()) - 1e-12).sum())
    return (extreme + 1) / (len(means) + 1)
