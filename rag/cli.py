"""The commands: index feeds, search by lines, ask the consultant, evaluate on a graded set."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from rich.console import Console

from rag.catalogue.feeds import Row, read_file
from rag.catalogue.progress import ImportProgress
from rag.catalogue.store import Imported
from rag.consultant.chat import open_chat
from rag.consultant.events import Delta, Done, Error, Event, Partners
from rag.consultant.hearing import Question
from rag.engine import Engine, Shelf, open_engine
from rag.errors import RagError, RowError
from rag.evaluation import Evaluation, Request, plot, read_set, summarise, table
from rag.feedback import judgements
from rag.money import Money, amount_of
from rag.retrieval import Conditions, Found
from rag.settings import RagSettings
from stores.documents import DocumentStore, StoreError
from stores.settings import StoreSettings, open_document_store

FAILED, USAGE = 1, 2
_ERRORS_SHOWN = 20
_COMMAND_LINE = "command-line"  # whose conversation `ask` is: a new one each time
_PATIENT = {  # nobody sees a page wait, and the models must be loaded first
    "embedding_timeout": 60.0,
    "vector_timeout": 60.0,
    "chat_search_timeout": 60.0,
    "chat_store_timeout": 10.0,
}


class Settings(BaseSettings, RagSettings, StoreSettings):
    """Options by the server's names: environment, then file, then default."""

    model_config = SettingsConfigDict(
        env_prefix="SIGNALLING_", extra="ignore", json_file="config.json"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the command line first and the file last."""
        return init_settings, env_settings, JsonConfigSettingsSource(settings_cls)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 if fine, 1 if it failed, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options)
        return int(asyncio.run(options.command(options, settings)))
    except (ValidationError, ValueError) as error:
        return _say(str(error).splitlines()[0], USAGE)
    except (RagError, StoreError, OSError) as error:
        return _say(str(error), FAILED)
    except KeyboardInterrupt:
        return _say("interrupted; what was reported done is kept, run again to go on", FAILED)


def _say(message: str, code: int) -> int:
    Console(stderr=True).print(message, style="red", markup=False, soft_wrap=True)
    return code


def _settings(options: argparse.Namespace) -> Settings:
    given = {"data_dir": options.data_dir} if options.data_dir else {}
    if getattr(options, "currency", None):
        given["catalogue_currency"] = options.currency
    return Settings(**given).model_copy(update=_PATIENT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rag", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="index | search | ask | evaluate")
    index = _command(commands, "index", _index, "write feeds to the catalogue and index them")
    index.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help=".jsonl .json .csv, .gz"
    )
    index.add_argument("--partners", action="store_true", help="the rows are partners")
    search = _command(commands, "search", _search, "one request a line on standard input")
    search.add_argument("--json", action="store_true", help="one JSON line for each request")
    search.add_argument("--limit", type=int, default=10)
    search.add_argument("--budget", help="highest price, a decimal number")
    search.add_argument("--style")
    search.add_argument("--category")
    search.add_argument("--partners", action="store_true", help="search partners")
    ask = _command(commands, "ask", _ask, "ask the consultant, as a visitor does")
    ask.add_argument("text", help="the question, in English or Korean")
    ask.add_argument("--budget", help="highest price, a decimal number")
    ask.add_argument("--style")
    ask.add_argument("--locale", default="")
    ask.add_argument("--json", action="store_true", help="one JSON line for each event")
    graded = _command(commands, "evaluate", _evaluate, "measure on a graded set")
    graded.add_argument("--queries", type=Path, help="default: the demonstration's set")
    graded.add_argument("--qrels", type=Path)
    graded.add_argument("--plot", type=Path, help="write a picture (.png, .svg)")
    graded.add_argument("--feedback", action="store_true", help="what users said as judgements")
    return parser


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(command=run)
    command.add_argument("--data_dir", "--data-dir", type=Path, help="default: ./data")
    command.add_argument("--currency", help="of prices that name none, and of the budget")
    return command


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[tuple[Engine, DocumentStore]]:
    store = await open_document_store(settings)
    try:
        async with open_engine(settings, store, settings.data_dir) as engine:
            yield engine, store
    finally:
        await store.close()


async def _index(options: argparse.Namespace, settings: Settings) -> int:
    async with _engine(settings) as (engine, _):
        shelf: Shelf[Any] = engine.partners if options.partners else engine.products
        began = time.monotonic()
        report, indexed = await _import(shelf, options.files)
    for error in report.errors[:_ERRORS_SHOWN]:
        _say(str(error), FAILED)
    summary = {
        "rows": report.rows,
        "written": report.written,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "indexed": indexed,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(summary))  # noqa: T201 - the command's answer
    return FAILED if report.failed else 0


async def _import(shelf: Shelf[Any], paths: Sequence[Path]) -> tuple[Imported, int]:
    """Write the rows, then index what changed; both go on where a killed run was."""
    with ImportProgress(Console(stderr=True)) as progress:
        rows = _Rows(paths)

        def written(so_far: Imported) -> None:
            progress.show("reading", done=rows.passed, total=rows.size, rows=so_far.rows)

        report = await shelf.catalogue.upsert(rows, progress=written)
        return report, await _indexed(shelf, progress, report.written)


async def _indexed(shelf: Shelf[Any], progress: ImportProgress, written: int = 0) -> int:
    """Index what is waiting; return how many items that were."""
    waiting = max(await shelf.catalogue.count() - await shelf.index.count(), written)
    passed = [0]

    def indexed(count: int) -> None:
        passed[0] += count
        if passed[0]:
            progress.show("indexing", done=passed[0], total=waiting, rows=passed[0])

    return await shelf.indexer.catch_up(indexed)


async def _whole(shelf: Shelf[Any]) -> None:
    """Index what a killed import, or another model or version, left: answers are of all."""
    with ImportProgress(Console(stderr=True)) as progress:
        await _indexed(shelf, progress)


class _Rows:
    """The rows of some files, with how many of their bytes were read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._sizes = [path.stat().st_size for path in paths]
        self.size = sum(self._sizes)
        self.passed = self._before = 0

    def __iter__(self) -> Iterator[Row | RowError]:
        self._before = 0
        for path, size in zip(self._paths, self._sizes, strict=True):
            yield from read_file(path, self._pass)
            self._before += size
        self.passed = self.size

    def _pass(self, at: int) -> None:
        self.passed = self._before + at


async def _search(options: argparse.Namespace, settings: Settings) -> int:
    async with _engine(settings) as (engine, _):
        shelf: Shelf[Any] = engine.partners if options.partners else engine.products
        conditions = _conditions(options, settings)
        await _whole(shelf)
        for line in sys.stdin:
            request = line.rstrip("\n")
            found = await shelf.retriever.search(request, conditions, limit=options.limit)
            print(_answer(request, found, as_json=options.json), flush=True)  # noqa: T201
    return 0


async def _ask(options: argparse.Namespace, settings: Settings) -> int:
    budget = _conditions(options, settings).budget
    question = Question(
        id="ask",
        text=options.text,
        budget=budget,
        style=options.style or "",
        locale=options.locale,
    )
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with (
        _engine(settings) as (engine, store),
        open_chat(engine, store, settings) as chat,
    ):
        if settings.demo_catalogue:
            await engine.load_demo()
            await chat.read_places()
        await _whole(engine.products)
        await chat.forget(_COMMAND_LINE)
        chat.start(_COMMAND_LINE, question, events.put_nowait)
        return await _print_events(events, as_json=options.json)


async def _print_events(events: "asyncio.Queue[Event]", *, as_json: bool) -> int:
    """Print the answer as it comes; a question that gets none is a failure."""
    while True:
        event = await events.get()
        fields = {"type": event.wire_name, **event.fields()}
        if as_json:
            print(json.dumps(fields, ensure_ascii=False), flush=True)  # noqa: T201
        elif isinstance(event, Delta):
            print(event.text, end="", flush=True)  # noqa: T201 - the command's answer
        elif isinstance(event, Partners):
            for partner in event.partners:
                print(f"- {partner['name']}: {partner['reason']}")  # noqa: T201
        if isinstance(event, Done):
            print(end="" if as_json else "\n")  # noqa: T201 - the answer has no last one
            return 0
        if isinstance(event, Error):
            return _say(event.message, FAILED)


def _conditions(options: argparse.Namespace, settings: Settings) -> Conditions:
    budget = None
    if options.budget is not None:
        try:
            budget = Money(amount_of(options.budget), settings.catalogue_currency)
        except ValueError as error:
            raise ValueError(f"--budget {options.budget!r}: {error}") from error
    return Conditions(
        budget=budget,
        styles=[options.style] if options.style else (),
        categories=[options.category] if getattr(options, "category", None) else (),
    )


def _answer(request: str, found: Found[Any], *, as_json: bool) -> str:
    if as_json:
        hits = [{"id": h.item.id, "score": round(h.score, 4)} for h in found.hits]
        return json.dumps({"query": request, "hits": hits}, ensure_ascii=False)
    lines = [f"{request}" + "".join(f" [without {d}]" for d in found.degraded)]
    for hit in found.hits:
        name = hit.item.in_language(hit.item.name, "ko")
        price = getattr(hit.item, "price", "")
        lines.append(
            f"  {hit.score:.3f}  {hit.item.id:12}  {name}  {price} {hit.item.currency}"
        )
    return "\n".join(lines)


async def _evaluate(options: argparse.Namespace, settings: Settings) -> int:
    if options.queries is None and not options.feedback:
        with tempfile.TemporaryDirectory() as directory:
            demo = settings.model_copy(update={"data_dir": Path(directory), "mongo_url": None})
            async with _engine(demo) as (engine, _):
                await engine.load_demo()
                return await _measure(engine, _demo_set(), options.plot)
    async with _engine(settings) as (engine, store):
        requests = read_set(options.queries, options.qrels) if options.queries else []
        if options.feedback:
            requests += await _from_users(store)
        return await _measure(engine, requests, options.plot)


async def _measure(engine: Engine, requests: Sequence[Request], picture: Path | None) -> int:
    shelf = engine.products
    if not requests:
        return _say("no graded requests", FAILED)
    await _whole(shelf)
    evaluation = Evaluation(shelf, engine.embedder, engine.lexicon)
    lines = summarise(await evaluation.run(requests))
    print(table(lines))  # noqa: T201 - the command's answer
    if picture is not None:
        plot(lines, picture)
    return 0


def _demo_set() -> list[Request]:
    folder = files("rag").joinpath("data/demo")
    with (
        as_file(folder.joinpath("queries.tsv")) as queries,
        as_file(folder.joinpath("qrels.txt")) as qrels,
    ):
        return read_set(queries, qrels)


async def _from_users(store: DocumentStore) -> list[Request]:
    found = await judgements(store)
    return [
        Request(f"user-{n}", text, f"{language} (users)", Conditions(), grades)
        for n, ((text, language), grades) in enumerate(found.items(), 1)
    ]
