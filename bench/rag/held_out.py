"""
Judge the held-out electronics requests by their written criteria.

    python bench/rag/held_out.py PRODUCTS.jsonl.gz OUT
    python -m rag evaluate --queries OUT/queries.tsv --qrels OUT/qrels.txt --data_dir DIR

A criterion in `held_out.tsv` is regular expressions joined by `;`, all of which a
product's title and type must contain, or with `!` must not. Every product is judged,
so there are no gaps: 2 for what meets them, nothing for the rest.
"""

import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def meets(criteria: str, text: str) -> bool:
    """Tell whether a product's text meets all criteria."""
    return all(
        bool(re.search(c.removeprefix("!"), text, re.IGNORECASE)) != c.startswith("!")
        for c in criteria.split(";")
    )


def texts(products: Path) -> Iterator[tuple[str, str]]:
    """Yield each product's id with its title and type."""
    with gzip.open(products, "rt", encoding="utf-8") as lines:
        for line in lines:
            product = json.loads(line)
            kind = product["attrs"].get("t_product_type") or ""
            yield product["id"], f"{product['title']} | {kind}"


def main(products: Path, out: Path) -> None:
    """Write both files."""
    known = list(texts(products))
    with (HERE / "held_out.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    queries, judged = ["id\ttext\tlanguage"], list[str]()
    for row in rows:
        good = [key for key, text in known if meets(row["criteria"], text)]
        for language in ("en", "ko"):
            queries.append(f"{language}{row['id']}\t{row[language]}\t{language}")
            judged += [f"{language}{row['id']}\t0\t{key}\t2" for key in good]
    out.mkdir(parents=True, exist_ok=True)
    (out / "queries.tsv").write_text("\n".join(queries) + "\n", "utf-8")
    (out / "qrels.txt").write_text("\n".join(judged) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
