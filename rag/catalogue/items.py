"""Products and partners: their fields, how rows are read and what the indexes see of them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Protocol, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from rag.entries import Entry, Facts, tag
from rag.errors import RowError
from rag.lexicon import Lexicon
from rag.money import amount_of, units
from rag.text import clean, has_hangul

_BODY = 4_000  # characters of description that are searched; longer ones are cut

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Line = Annotated[str, Field(max_length=500)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[
    Decimal, BeforeValidator(amount_of), PlainSerializer(lambda d: format(d, "f"), str)
]


def _by_language(value: object) -> object:
    """Give a bare text its language, by its script."""
    if not isinstance(value, str):
        return value
    return {"ko" if has_hangul(value) else "en": value} if value.strip() else {}


def _flat(value: object) -> object:
    """Attributes are shown and searched as text, whatever they were."""
    if not isinstance(value, Mapping):
        return value
    return {str(k): v if isinstance(v, str) else _plain(v) for k, v in value.items()}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value)


def _words(value: object) -> object:
    """Accept a comma-separated cell of a CSV where a list is wanted."""
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,;|]", value) if part.strip()]
    return value


ByLanguage = Annotated[
    dict[Annotated[str, Field(max_length=10)], Annotated[str, Field(max_length=20_000)]],
    BeforeValidator(_by_language),
]
Words = Annotated[list[Line], BeforeValidator(_words), Field(max_length=100)]


class Item(BaseModel):
    """What products and partners share."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    id: Identifier
    name: ByLanguage = Field(validation_alias=AliasChoices("name", "title"), min_length=1)
    description: ByLanguage = Field(default_factory=dict)
    image: Line | None = None
    url: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _rows_of_files(cls, row: Any) -> Any:
        """Nest `name.ko` columns, take prices in cents, drop empty cells."""
        return _nested(row) if isinstance(row, Mapping) else row

    def in_language(self, texts: Mapping[str, str], language: str) -> str:
        """Return the text in *language* if there is one, else in English, else any."""
        return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")

    @classmethod
    def from_row(cls, number: int, row: Mapping[str, Any]) -> Self:
        """Read one row of a feed; raise `RowError` naming its first wrong field."""
        try:
            return cls.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            raise RowError(number, field, message) from error

    def document(self) -> dict[str, Any]:
        """Return the JSON form: what is stored and what REST answers."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Product(Item):
    """Something that is sold and can be shown in the scene."""

    price: Amount
    currency: Currency
    style: Line | None = None
    category: Line | None = None
    attributes: Annotated[dict[str, str], BeforeValidator(_flat)] = Field(
        default_factory=dict, validation_alias=AliasChoices("attributes", "attrs")
    )
    stock: Annotated[int, Field(ge=0, le=2**53)] | None = None
    ue_asset: Line | None = Field(default=None, alias="ueAsset")

    plural: ClassVar[str] = "products"

    def entry(self, lexicon: Lexicon) -> Entry:
        """Return what the indexes see."""
        facets = [self.style or "", *_short_attributes(self.attributes)]
        return Entry(
            id=self.id,
            names=tuple(clean(n) for n in self.name.values()),
            kind=clean(self.category or _product_type(self.attributes)),
            facets=tuple(clean(f) for f in facets if f),
            body=clean(" ".join([*self.description.values(), *_long(self.attributes)])[:_BODY]),
            summary=clean(self.in_language(self.description, "en"))[:300],
            facts=self.facts(lexicon),
        )

    def facts(self, lexicon: Lexicon) -> Facts:
        """Return what filters compare."""
        stock = frozenset() if self.stock == 0 else {tag("stock", "yes")}
        tags = _tags(lexicon, style=[self.style], category=[self.category])
        return Facts(self.currency, units(self.price), tags | stock)


class Partner(Item):
    """A designer or installer whom a visitor can be put in touch with."""

    kind: Line = "designer"
    regions: Words = Field(default_factory=list)
    styles: Words = Field(default_factory=list)
    price_from: Amount = Field(default=Decimal(0), alias="priceFrom")
    price_to: Amount | None = Field(default=None, alias="priceTo")
    currency: Currency = "KRW"
    portfolio: Words = Field(default_factory=list)

    plural: ClassVar[str] = "partners"

    def entry(self, lexicon: Lexicon) -> Entry:
        """Return what the indexes see."""
        return Entry(
            id=self.id,
            names=tuple(clean(n) for n in self.name.values()),
            kind=clean(self.kind),
            facets=tuple(clean(f) for f in [*self.styles, *self.regions]),
            body=clean(" ".join(self.description.values())[:_BODY]),
            summary=clean(self.in_language(self.description, "en"))[:300],
            facts=self.facts(lexicon),
        )

    def facts(self, lexicon: Lexicon) -> Facts:
        """Return what filters compare; a budget must reach the lowest price."""
        tags = _tags(lexicon, style=self.styles, category=[self.kind])
        regions = {tag("region", region) for region in self.regions}
        return Facts(self.currency, units(self.price_from), tags | regions)


class Searchable(Protocol):
    """What the indexer needs of an item."""

    id: str

    def entry(self, lexicon: Lexicon) -> Entry:
        """Return what the indexes see."""


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if value is None or value == "":
            continue
        outer, dot, inner = key.partition(".")
        if dot and outer in {"name", "title", "description", "attributes"}:
            found.setdefault(outer, {})[inner] = value
        else:
            found[key] = value
    return _with_aliases(found)


def _with_aliases(row: dict[str, Any]) -> dict[str, Any]:
    cents = row.pop("price_cents", None)
    if cents is not None and "price" not in row:
        row["price"] = amount_of(cents) / 100
    brand = row.pop("brand", None)
    if brand is not None:
        attributes = row.setdefault("attrs" if "attrs" in row else "attributes", {})
        if isinstance(attributes, Mapping):
            row["attrs" if "attrs" in row else "attributes"] = {**attributes, "brand": brand}
    return row


_FACETS = re.compile(r"brand|colou?r|material|색|소재|브랜드", re.IGNORECASE)


def _product_type(attributes: Mapping[str, str]) -> str:
    return next((v for k, v in attributes.items() if k.lower().endswith("product_type")), "")


def _short_attributes(attributes: Mapping[str, str]) -> list[str]:
    return [v for k, v in attributes.items() if _FACETS.search(k) and len(v) < 60]  # noqa: PLR2004


def _long(attributes: Mapping[str, str]) -> list[str]:
    """Return attributes as text; numbers and yes or no alone say nothing to a searcher."""
    return [
        f"{key.removeprefix('t_').replace('_', ' ')}: {value}"
        for key, value in attributes.items()
        if re.search(r"[^\W\d_]{2}", value) and value not in {"yes", "no"}
    ]


def _tags(lexicon: Lexicon, **values: list[str] | list[str | None]) -> frozenset[str]:
    return frozenset(
        tag(name, lexicon.canonical(value))
        for name, several in values.items()
        for value in several
        if value
    )
