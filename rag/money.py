"""Amounts of money: decimals and currencies, never floats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

DECIMALS = 4
_UNIT = Decimal(10) ** DECIMALS
LARGEST = Decimal(10) ** 14  # fits a 64-bit integer in units


def amount_of(value: object) -> Decimal:
    """
    Return a decimal string, integer or Decimal as an amount of money.

    Raises `ValueError` for anything else, floats included: they would round.
    """
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise ValueError("must be a decimal string such as 129000 or 1299.90")  # noqa: TRY004
    try:
        amount = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation as error:
        raise ValueError("must be a decimal string such as 129000 or 1299.90") from error
    if not amount.is_finite() or not 0 <= amount < LARGEST:
        raise ValueError(f"must be at least 0 and below {LARGEST:f}")
    if amount != amount.quantize(1 / _UNIT):
        raise ValueError(f"must have at most {DECIMALS} decimals")
    return amount


def units(amount: Decimal) -> int:
    """Return *amount* in ten-thousandths, rounded down: what indexes compare."""
    return int(amount * _UNIT)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Rates:
    """
    Exchange rates an operator configured, by pair: `{"USD/KRW": 1380}`.

    The opposite direction follows; nothing is chained over a third currency.
    """

    pairs: Mapping[str, Decimal] = field(default_factory=dict)

    def limits(self, budget: Money) -> dict[str, int]:
        """Return the budget in units of every currency it can be compared in."""
        found = {budget.currency: units(budget.amount)}
        for other in self._currencies():
            rate = self._rate(budget.currency, other)
            if rate is not None:
                found.setdefault(other, units(budget.amount * rate))
        return found

    def _currencies(self) -> Iterable[str]:
        return {currency for pair in self.pairs for currency in pair.split("/")}

    def _rate(self, source: str, target: str) -> Decimal | None:
        direct = self.pairs.get(f"{source}/{target}")
        if direct is not None:
            return direct
        inverse = self.pairs.get(f"{target}/{source}")
        return None if inverse is None else 1 / inverse
