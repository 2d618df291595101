"""
Measurements of a host under load, in the forms tools print them.

Read are CSV with a header (ours, or `nvidia-smi --query-gpu=… --format=csv`),
the tables of `nvidia-smi dmon` and `dcgmi dmon`, dcgm-exporter's Prometheus
text, and JSON (an array, an object with `samples`, or one object a line).
Those tools do not know how many instances ran, so that number comes from a
column, from the caller, or from the count of encoder sessions.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ue5_config.errors import SampleError

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_SAMPLES: Final = 500_000
"""Days of samples every second; more is a wrong file."""

_UNIT: Final = re.compile(r"\s*\[[^\]]*\]\s*$")
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_PROMETHEUS: Final = re.compile(r"(DCGM_FI_DEV_[A-Z0-9_]+)\{([^}]*)\}\s+(\S+)")
_GPU_LABEL: Final = re.compile(r'gpu="([^"]*)"')

_COLUMNS: Final[Mapping[str, str]] = {
    "instances": "instances",
    "users": "instances",
    "gpu": "gpu",
    "gpu_percent": "gpu",
    "utilization.gpu": "gpu",
    "dcgm_fi_dev_gpu_util": "gpu",
    "encoder": "encoder",
    "encoder_percent": "encoder",
    "utilization.encoder": "encoder",
    "dcgm_fi_dev_enc_util": "encoder",
    "vram": "vram_mib",
    "vram_mib": "vram_mib",
    "memory.used": "vram_mib",
    "dcgm_fi_dev_fb_used": "vram_mib",
    "memory.free": "vram_free_mib",
    "dcgm_fi_dev_fb_free": "vram_free_mib",
    "vram_total": "vram_total_mib",
    "vram_total_mib": "vram_total_mib",
    "memory.total": "vram_total_mib",
    "dcgm_fi_dev_fb_total": "vram_total_mib",
    "frame_time": "frame_time_ms",
    "frame_time_ms": "frame_time_ms",
    "frametime": "frame_time_ms",
    "fps": "frame_rate",
    "frame_rate": "frame_rate",
    "frames_per_second": "frame_rate",
    "framespersecond": "frame_rate",
    "sessions": "sessions",
    "encoder.stats.sessioncount": "sessions",
    "index": "gpu_index",
    "gpu_index": "gpu_index",
    "configuration": "configuration",
    "profile": "configuration",
}
"""Column names of CSV and JSON, without unit and in small letters, and what they are."""

_TABLE_COLUMNS: Final[Mapping[str, str]] = {
    "gpu": "gpu_index",
    "entity": "gpu_index",
    "sm": "gpu",
    "gputl": "gpu",
    "enc": "encoder",
    "encut": "encoder",
    "encutl": "encoder",
    "fb": "vram_mib",
    "fbusd": "vram_mib",
    "fbfre": "vram_free_mib",
    "fbtl": "vram_total_mib",
    "fbttl": "vram_total_mib",
}
"""Column names of the tools' tables, where `gpu` is the index."""


_TABLE_HEADS: Final = frozenset({"gpu", "entity"})
"""One of these stands in the head of a table, after date and time where those are printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One measurement of a GPU with a number of instances running on it, 0 for an idle host.

    Loads are in percent (0 to 100), memory in MiB, frame time in ms. None is
    what was not measured. `configuration` tells before from after.
    """

    instances: int
    configuration: str = ""
    gpu: float | None = None
    encoder: float | None = None
    vram_mib: float | None = None
    vram_total_mib: float | None = None
    frame_time_ms: float | None = None
    gpu_index: str = ""


def load_samples(
    path: Path, *, instances: int | None = None, configuration: str = "", gpu_index: str = ""
) -> list[Sample]:
    """
    Read a file of samples; raises `SampleError`.

    *instances* and *configuration* stand in for columns the file lacks;
    *gpu_index* picks one GPU of several.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SampleError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise SampleError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    found = parse_samples(
        _decoded(data), instances=instances, configuration=configuration, name=path.name
    )
    return _of_one_gpu(found, gpu_index, name=path.name)


def _decoded(data: bytes) -> str:
    # What Windows PowerShell writes with `>` is UTF-16.
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def parse_samples(
    text: str, *, instances: int | None = None, configuration: str = "", name: str = "samples"
) -> list[Sample]:
    """Read samples out of *text*, whatever its form; raises `SampleError`."""
    rows = list(_rows(text, name))
    if not rows:
        raise SampleError(f"{name} holds no samples")
    if len(rows) > MAX_SAMPLES:
        raise SampleError(f"{name} holds more than {MAX_SAMPLES} samples")
    found = [_sample(row, number, instances, configuration, name) for number, row in rows]
    if not any(_measured(sample) for sample in found):
        known = ", ".join(sorted(set(_COLUMNS.values()) - {"configuration", "instances"}))
        raise SampleError(f"{name} has no column that is known; there are: {known}")
    return found


def _of_one_gpu(samples: list[Sample], wanted: str, *, name: str) -> list[Sample]:
    indexes = sorted({sample.gpu_index for sample in samples})
    if not wanted and len(indexes) > 1:
        raise SampleError(f"{name} has GPUs {', '.join(indexes)}: choose one with --gpu-index")
    kept = [sample for sample in samples if not wanted or sample.gpu_index == wanted]
    if not kept:
        raise SampleError(f"{name} has no GPU {wanted}, but {', '.join(indexes)}")
    return [replace(sample, gpu_index="") for sample in kept]


Row = dict[str, Any]


def _rows(text: str, name: str) -> Iterator[tuple[int, Row]]:
    head = text.lstrip()
    for matches, read in _FORMATS:
        if matches(head):
            try:
                yield from read(text)
            except (csv.Error, json.JSONDecodeError, AttributeError) as error:
                raise SampleError(f"{name} cannot be read: {error}") from error
            return


def _is_json(head: str) -> bool:
    return head.startswith(("[", "{"))


def _is_prometheus(head: str) -> bool:
    return head.startswith("# HELP") or _PROMETHEUS.match(head) is not None


def _is_table(head: str) -> bool:
    return head.startswith("#")


def _json_rows(text: str) -> Iterator[tuple[int, Row]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError:
        data = [json.loads(line) for line in text.splitlines() if line.strip()]
    found = data.get("samples", [data]) if isinstance(data, dict) else data
    for number, row in enumerate(found, start=1):
        yield number, _named(row.items(), _COLUMNS)


def _csv_rows(text: str) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=None), skipinitialspace=True)
    header = next(reader, [])
    for row in reader:
        if any(cell.strip() for cell in row) and row != header:
            yield reader.line_num, _named(zip(header, row, strict=False), _COLUMNS)


def _table_rows(text: str) -> Iterator[tuple[int, Row]]:
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.replace("#", " ").split()
        if line.startswith("#") and _TABLE_HEADS & {word.casefold() for word in words}:
            header = words
        elif line.strip() and not line.startswith("#") and words[0].casefold() != "id":
            joined = words if words[0].casefold() != "gpu" else words[1:]
            yield number, _named(zip(header, joined, strict=False), _TABLE_COLUMNS)


def _prometheus_rows(text: str) -> Iterator[tuple[int, Row]]:
    rows: list[Row] = []
    latest: dict[str, Row] = {}
    for metric, labels, value in _PROMETHEUS.findall(text):
        label = _GPU_LABEL.search(labels)
        index = label[1] if label else ""
        named = _named([(metric, value)], _COLUMNS)
        if index not in latest or named.keys() & latest[index].keys():  # the next scrape
            latest[index] = {"gpu_index": index}
            rows.append(latest[index])
        latest[index] |= named
    yield from enumerate(rows, start=1)


_FORMATS: Final[
    tuple[tuple[Callable[[str], bool], Callable[[str], Iterator[tuple[int, Row]]]], ...]
] = (
    (_is_json, _json_rows),
    (_is_prometheus, _prometheus_rows),
    (_is_table, _table_rows),
    (bool, _csv_rows),
)


def _named(pairs: Iterable[tuple[str, Any]], names: Mapping[str, str]) -> Row:
    clean = ((_UNIT.sub("", str(key)).strip().casefold(), value) for key, value in pairs)
    return {names[key]: value for key, value in clean if key in names}


def _sample(
    row: Row, number: int, instances: int | None, configuration: str, name: str
) -> Sample:
    where = f"{name}, row {number}"
    count = _number(row.get("instances"), where)
    count = _first(count, instances, _number(row.get("sessions"), where))
    if count is None or not float(count).is_integer():
        raise SampleError(
            f"{where}: how many instances ran? Name it as N={name} or in a column"
        )
    rate = _number(row.get("frame_rate"), where)
    frame_time = _number(row.get("frame_time_ms"), where)
    used, free = _number(row.get("vram_mib"), where), _number(row.get("vram_free_mib"), where)
    total = None if used is None or free is None else used + free
    return Sample(
        instances=int(count),
        configuration=str(row.get("configuration") or configuration),
        gpu=_load(row.get("gpu"), where),
        encoder=_load(row.get("encoder"), where),
        vram_mib=used,
        vram_total_mib=_first(_number(row.get("vram_total_mib"), where), total),
        frame_time_ms=_first(frame_time, 1000 / rate if rate else None),
        gpu_index=str(row.get("gpu_index", "")),
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _load(value: object, where: str) -> float | None:
    number = _number(value, where)
    if number is not None and not 0 <= number <= 100:  # noqa: PLR2004 -- percent
        raise SampleError(f"{where}: a load of {number:g} % is not between 0 and 100")
    return number


def _number(value: object, where: str) -> float | None:
    """Return a cell's number without its unit; None for the ways tools say "not known"."""
    text = "" if value is None else str(value).strip()
    bracketed = text.startswith("[") and text.endswith("]")
    if bracketed or text.casefold() in {"", "-", "n/a", "not supported", "unknown error"}:
        return None
    match = _NUMBER.match(text)
    if match is None or text.startswith("-"):
        raise SampleError(f"{where}: {text!r} is no measurement")
    return float(match[0])


def _measured(sample: Sample) -> bool:
    values = (sample.gpu, sample.encoder, sample.vram_mib, sample.frame_time_ms)
    return any(value is not None for value in values)
