"""Text, lexicon, requests, money and feeds: the parsers, by example and by property."""

import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.catalogue.feeds import Row, read_csv, read_file, read_json
from rag.catalogue.items import Partner, Product
from rag.errors import RowError
from rag.index.analysis import columns_of, read_request
from rag.lexicon import Lexicon, default_lexicon, load_lexicon, parse_lexicon
from rag.money import Money, Rates, amount_of, units
from rag.text import bigrams, clean, singular, tokens

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@given(ANY_TEXT)
def test_any_text_can_be_read(text: str) -> None:
    """Lone surrogates, controls, any script: reading raises nothing and mentions are inside."""
    lexicon = default_lexicon()
    cleaned = clean(text)
    cleaned.encode()
    for mention in lexicon.read(text):
        assert 0 <= mention.start < mention.end <= len(cleaned)
    lexicon.head(text)
    lexicon.english(text).encode()
    assert '""' not in " ".join(read_request(text, lexicon).terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "북유럽 스타일 4인용 원목식탁",
            ["scandinavian", "four-seater", "solid wood", "dining table"],
        ),
        ("거실에 둘 따뜻한 소파", ["living room", "warm", "sofa"]),
        ("아이방에 놓을 작은책상", ["kids room", "small", "desk"]),
        ("Micro SD Cards", ["micro sd card"]),
        ("노트북가방", ["laptop bag"]),
        ("couches in grey", ["sofa", "grey"]),
    ],
)
def test_words_of_both_languages_are_concepts(
    lexicon: Lexicon, text: str, expected: list[str]
) -> None:
    """Spacing, particles and plurals do not matter."""
    found = [m.concept.name for m in lexicon.read(text) if m.concept]
    assert found == expected


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ('Targus 17" Laptop privacy filter', "privacy filter"),
        ("Sofa cover for three-seater couch", "case"),
        ("lamp over the dining table", "lamp"),
        ("가죽 소파", "sofa"),
        ("노트북 거치대", "laptop stand"),
        ("Kensington Laptop Roller", None),
        ("Oslo", None),
    ],
)
def test_the_head_is_what_a_name_names(lexicon: Lexicon, name: str, head: str | None) -> None:
    """The last noun before a complement; none when an unknown noun follows."""
    found = lexicon.head(name)
    assert (found and found.name) == head


def test_an_operators_lexicon_wins(tmp_path: Path) -> None:
    """Its line decides what a word means, and a wrong line is named."""
    own = tmp_path / "own.tsv"
    own.write_text("product\tdivan\t소파|디반\n", "utf-8")
    assert load_lexicon([own]).english("소파") == "divan"
    with pytest.raises(ValueError, match="line 2"):
        list(parse_lexicon(["# fine", "gadget\tx\ty"]))


def test_money_in_a_request_is_no_search_word(lexicon: Lexicon) -> None:
    """Amounts are for the filter."""
    for text in ("소파 150만원 이하", "sofa $1,500", "소파 1,500,000원대", "sofa 900 dollars"):
        reading = read_request(text, lexicon)
        assert not any(c.isdigit() for c in reading.text), text
        assert reading.head is not None


def test_columns_hold_concepts_and_bigrams(lexicon: Lexicon) -> None:
    """A Korean-only product is found by English concepts."""
    row = {"id": "1", "name": "원목 책상", "price": "1", "currency": "KRW"}
    columns = columns_of(Product.from_row(1, row).entry(lexicon), lexicon)
    assert columns.head == "cdesk"
    assert "csolidwood" in columns.concepts
    assert columns.hangul.split() == ["원목", "책상"]


def test_small_parts() -> None:
    """Bigrams, plurals and tokens."""
    assert bigrams("책상의자") == ["책상", "상의", "의자"]
    assert bigrams("칼") == ["칼"]
    assert [singular(w) for w in ("batteries", "boxes", "glass", "chairs")] == [
        "battery",
        "box",
        "glass",
        "chair",
    ]
    assert [t.text for t in tokens("TV장 55인치")] == ["tv", "장", "55", "인치"]


@given(st.decimals(min_value=0, max_value=10**13, places=4))
def test_amounts_keep_every_decimal(amount: Decimal) -> None:
    """A decimal string goes in and the same number of units comes out."""
    assert units(amount_of(f"{amount:f}")) == int(amount * 10_000)


@pytest.mark.parametrize("value", [1.5, True, "NaN", "-1", "1e20", "1.00001", "", "₩1", None])
def test_what_is_no_amount_is_refused(value: object) -> None:
    """Floats above all."""
    with pytest.raises(ValueError, match="must"):
        amount_of(value)


def test_a_budget_reaches_other_currencies_only_by_a_rate() -> None:
    """Both directions of a configured pair, rounded down; nothing is chained."""
    budget = Money(Decimal(1_380_000), "KRW")
    assert Rates().limits(budget) == {"KRW": 13_800_000_000}
    rates = Rates({"USD/KRW": Decimal(1380), "EUR/USD": Decimal("1.1")})
    assert rates.limits(budget) == {"KRW": 13_800_000_000, "USD": 10_000_000}
    assert rates.limits(Money(Decimal(10), "USD"))["KRW"] == 138_000_000


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_as_json_lines_give_rows_or_errors(lines: list[bytes]) -> None:
    """Nothing escapes the reader."""
    for row in read_json([line + b"\n" for line in lines]):
        assert isinstance(row, Row | RowError)


def test_feeds_come_as_lines_array_csv_and_gzip(tmp_path: Path) -> None:
    """The same product from each; numbers stay decimal, CSV columns nest."""
    product = {"id": "a", "name": {"ko": "책상"}, "price": 19.90, "currency": "USD"}
    csv_text = "id,name.ko,price,currency,attributes.colour,style\na,책상,19.90,USD,,\n"
    (tmp_path / "f.jsonl").write_text(json.dumps(product), "utf-8")
    (tmp_path / "f.json").write_text(json.dumps([product], indent=1), "utf-8")
    (tmp_path / "f.csv").write_text(csv_text, "utf-8-sig")
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress(csv_text.encode()))
    for name in ("f.jsonl", "f.json", "f.csv", "f.csv.gz"):
        (row,) = read_file(tmp_path / name)
        assert isinstance(row, Row)
        read = Product.from_row(row.number, row.fields)
        assert (read.price, read.name) == (Decimal("19.9"), {"ko": "책상"}), name


def test_a_csv_row_with_too_many_cells_is_an_error() -> None:
    """It names the row."""
    found = list(read_csv(io.StringIO("id,name\n1,a\n2,b,c\n")))
    assert [type(f) for f in found] == [Row, RowError]
    assert isinstance(found[1], RowError)
    assert found[1].row == 2


def test_partners_match_from_their_lowest_price(lexicon: Lexicon) -> None:
    """Regions and styles are tags; styles in any spelling."""
    partner = Partner.from_row(
        1,
        {
            "id": "p",
            "name": "공간",
            "regions": "서울, 부산",
            "styles": ["북유럽"],
            "priceFrom": "5",
        },
    )
    facts = partner.entry(lexicon).facts
    assert facts.units == 50_000
    assert facts.tags == {
        "region:서울",
        "region:부산",
        "style:scandinavian",
        "category:designer",
    }
