"""
Turn a folder of Chorus judgements into the form of `python -m rag evaluate`.

    python bench/rag/electronics.py FOLDER OUT
    python -m rag index FOLDER/products.jsonl.gz --currency USD --data_dir DIR
    python -m rag evaluate --queries OUT/queries.tsv --qrels OUT/qrels.txt --data_dir DIR

The folder holds `queries.tsv` (query_en, query_ko, …) and `qrels.tsv` (English query,
product, grade). `OUT/qrels-first.txt` and `OUT/qrels-second.txt` have beside them what our
two judges say of products that nobody had judged (`judging.md`).
"""

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(folder: Path, out: Path) -> None:
    """Write the requests and the three sets of judgements."""
    with (folder / "queries.tsv").open(encoding="utf-8", newline="") as lines:
        pairs = [(r["query_en"], r["query_ko"]) for r in csv.DictReader(lines, delimiter="\t")]
    number = {english: n for n, (english, _) in enumerate(pairs)}
    queries = ["id\ttext\tlanguage"]
    for n, (english, korean) in enumerate(pairs):
        queries += [f"e{n}\t{english}\ten", f"k{n}\t{korean}\tko"]
    judged = []
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines():
        english, product, grade = line.split("\t")
        if english in number:
            judged += [f"{side}{number[english]}\t0\t{product}\t{grade}" for side in "ek"]
    out.mkdir(parents=True, exist_ok=True)
    (out / "queries.tsv").write_text("\n".join(queries) + "\n", "utf-8")
    (out / "qrels.txt").write_text("\n".join(judged) + "\n", "utf-8")
    for judge in ("first", "second"):
        closed = list(judged)
        for line in (HERE / f"judged-{judge}.tsv").read_text("ascii").splitlines():
            request, product, grade = line.split("\t")
            closed += [f"{side}{request}\t0\t{product}\t{grade}" for side in "ek"]
        (out / f"qrels-{judge}.txt").write_text("\n".join(closed) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
