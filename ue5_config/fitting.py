"""
Straight lines through measurements, with intervals.

Ordinary least squares of a load on the number of users; the interval is that
of the mean response (any text on linear regression, such as Montgomery, Peck
and Vining, section 2.4). Standard library only: numpy is no core dependency.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Final

CONFIDENCE: Final = 0.95
"""Confidence of all intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    `load = base + per_user * users`.

    `error` is the residual standard deviation, `mean_users` and `spread` (the
    sum of squared deviations) belong to the users measured, `freedom` is how
    many measurements are left to judge the error by.
    """

    base: float
    per_user: float
    error: float
    mean_users: float
    spread: float
    count: int
    freedom: int

    @property
    def through_origin(self) -> bool:
        """Whether only one number of users was measured, so that the base is a guess of 0."""
        return self.spread == 0

    def at(self, users: float) -> float:
        """Return the load expected with that many users."""
        return self.base + self.per_user * users

    def margin(self, users: float) -> float | None:
        """Return half the width of the interval of `at(users)`; None with too few samples."""
        if self.freedom < 1:
            return None
        t = student_t(self.freedom)
        if self.through_origin:
            return t * self.error / math.sqrt(self.count) * users / self.mean_users
        distance = (users - self.mean_users) ** 2 / self.spread
        return t * self.error * math.sqrt(1 / self.count + distance)


def fit(users: Sequence[float], loads: Sequence[float]) -> Line:
    """
    Fit a line through (*users*, *loads*), which must be of the same length and not empty.

    With one number of users the line goes through the origin: what an empty
    host takes is then counted to the users, which errs towards fewer of them.
    """
    mean_x, mean_y = fmean(users), fmean(loads)
    spread = sum((x - mean_x) ** 2 for x in users)
    if spread == 0:
        return _through_origin(mean_x, mean_y, loads)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(users, loads, strict=True)) / spread
    base = mean_y - slope * mean_x
    residual = sum((y - base - slope * x) ** 2 for x, y in zip(users, loads, strict=True))
    freedom = len(loads) - 2
    return Line(
        base=base,
        per_user=slope,
        error=math.sqrt(residual / freedom) if freedom else 0.0,
        mean_users=mean_x,
        spread=spread,
        count=len(loads),
        freedom=freedom,
    )


def _through_origin(users: float, load: float, loads: Sequence[float]) -> Line:
    freedom = len(loads) - 1
    residual = sum((value - load) ** 2 for value in loads)
    return Line(
        base=0.0,
        per_user=load / users,
        error=math.sqrt(residual / freedom) if freedom else 0.0,
        mean_users=users,
        spread=0.0,
        count=len(loads),
        freedom=freedom,
    )


def student_t(freedom: int, *, confidence: float = CONFIDENCE) -> float:
    """
    Return the two-sided quantile of Student's t distribution.

    Exact for one and two degrees of freedom; beyond, the expansion of
    Abramowitz and Stegun 26.7.5, within 0.2 % at 95 %.
    """
    p = (1 + confidence) / 2
    if freedom == 1:
        return math.tan(math.pi * (p - 0.5))
    if freedom == 2:  # noqa: PLR2004 -- the closed form's case
        return (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, start=1))
