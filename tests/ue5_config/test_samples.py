"""Measurements in the forms tools print them."""

from pathlib import Path

import pytest

from ue5_config.errors import SampleError
from ue5_config.samples import Sample, load_samples, parse_samples

NVIDIA_SMI = """\
timestamp, index, utilization.gpu [%], utilization.encoder [%], memory.used [MiB], memory.total [MiB], encoder.stats.sessionCount
2026/11/22 10:00:01.000, 0, 29 %, 8 %, 5200 MiB, 24564 MiB, 1
2026/11/22 10:01:01.000, 0, 49 %, [N/A], 8900 MiB, 24564 MiB, 2
"""  # noqa: E501 -- as the tool prints it

DMON = """\
# gpu     sm    mem    enc    dec    jpg    ofa     fb   bar1   ccpm
# Idx      %      %      %      %      %      %     MB     MB     MB
    0     29     40      6      0      -      0   5100     20      0
    0     31     41      7      0      -      0   5101     20      0
# gpu     sm    mem    enc    dec    jpg    ofa     fb   bar1   ccpm
    0     30     41      7      0      -      0   5101     20      0
"""

DCGMI = """\
#Entity   GPUTL      ENCUT      FBUSD
ID
GPU 0     29         8          5200
GPU 0     30         9          5201
"""

PROMETHEUS = """\
# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1"} 48
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-2"} 3
DCGM_FI_DEV_ENC_UTIL{gpu="0",UUID="GPU-1"} 16
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-1"} 8900
"""


def test_reads_nvidia_smi() -> None:
    """Units are taken off, sessions stand in for instances, [N/A] is nothing."""
    first, second = parse_samples(NVIDIA_SMI)
    assert first == Sample(
        instances=1, gpu=29, encoder=8, vram_mib=5200, vram_total_mib=24564, gpu_index="0"
    )
    assert (second.instances, second.encoder) == (2, None)


@pytest.mark.parametrize(
    ("text", "loads", "encoder", "vram"),
    [
        (DMON, [29, 31, 30], 6, 5100),
        (DCGMI, [29, 30], 8, 5200),
        (PROMETHEUS, [48, 3], 16, 8900),
    ],
    ids=["nvidia-smi dmon", "dcgmi dmon", "dcgm-exporter"],
)
def test_reads_tables_of_tools(
    text: str, loads: list[float], encoder: float, vram: float
) -> None:
    """They do not say how many instances ran; the caller does."""
    found = parse_samples(text, instances=2)
    assert [one.gpu for one in found] == loads
    assert {one.instances for one in found} == {2}
    assert (found[0].encoder, found[0].vram_mib) == (encoder, vram)


@pytest.mark.parametrize(
    "text",
    [
        '[{"instances": 1, "gpu": 29, "fps": 30, "configuration": "after"}]',
        '{"samples": [{"users": 1, "utilization.gpu": "29 %", "fps": 30, "profile": "after"}]}',
        '{"instances": 1, "gpu": 29, "framesPerSecond": 30, "profile": "after"}\n',
        "configuration,instances,gpu,frame_time_ms\nafter,1,29,33.333333333333336\n",
    ],
)
def test_reads_our_own_forms(text: str) -> None:
    """JSON as array, object or lines, and CSV; a frame rate becomes a frame time."""
    assert parse_samples(text) == [
        Sample(instances=1, configuration="after", gpu=29, frame_time_ms=1000 / 30)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no samples"),
        ("instances,gpu\n", "no samples"),
        ("gpu\n29\n", "how many instances ran"),
        ("instances,gpu\n1.5,29\n", "how many instances ran"),
        ("instances,gpu\n1,129\n", "not between 0 and 100"),
        ("instances,gpu\n1,-3\n", "no measurement"),
        ("instances,gpu\n1,fast\n", "no measurement"),
        ("instances,speed\n1,3\n", "no column that is known"),
        ("[1, 2]", "cannot be read"),
        ('[{"gpu": ]', "cannot be read"),
    ],
)
def test_refuses_what_is_no_sample(text: str, message: str) -> None:
    """File and row are named."""
    with pytest.raises(SampleError, match=message):
        parse_samples(text, name="load.csv")


TIMED = """\
#Date       Time        gpu     sm    enc     fb
#YYYYMMDD   HH:MM:SS    Idx      %      %     MB
 20261122   10:00:00      0     29      6   5100
"""


@pytest.mark.parametrize("head", ["#Date       Time  ", "#Time "])
def test_tables_may_begin_with_date_and_time(head: str) -> None:
    """`nvidia-smi dmon -o DT` and `-o T`."""
    cut = len("#Date       Time  ") - len(head)
    text = "\n".join(["#" + line[cut + 1 :] for line in TIMED.splitlines()[:2]])
    text = f"{text}\n{' 20261122 10:00:00' if not cut else ' 10:00:00'} 0 29 6 5100\n"
    (only,) = parse_samples(text, instances=1)
    assert (only.gpu, only.encoder, only.vram_mib, only.gpu_index) == (29, 6, 5100, "0")


def test_every_scrape_is_a_sample() -> None:
    """A file that `curl` was appended to for a minute has many."""
    later = PROMETHEUS.replace("} 48", "} 50")
    loads = [one.gpu for one in parse_samples(PROMETHEUS + later, instances=2)]
    assert loads == [48, 3, 50, 3]


@pytest.mark.parametrize(
    "text",
    [
        'DCGM_FI_DEV_FB_USED{gpu="0"} 3000\nDCGM_FI_DEV_FB_FREE{gpu="0"} 12000\n',
        "memory.used [MiB], memory.free [MiB]\n3000 MiB, 12000 MiB\n",
    ],
)
def test_used_and_free_memory_make_the_total(text: str) -> None:
    """dcgm-exporter does not print the total by itself."""
    (only,) = parse_samples(text, instances=1)
    assert only.vram_total_mib == 15000


@pytest.mark.parametrize(
    "cell", ["[N/A]", "N/A", "[Not Supported]", "[GPU requires reset]", "[Unknown Error]", "-"]
)
def test_what_a_tool_could_not_tell_is_nothing(cell: str) -> None:
    """nvidia-smi puts its reasons into brackets."""
    (only,) = parse_samples(f"instances, gpu, encoder\n1, 29, {cell}\n")
    assert (only.gpu, only.encoder) == (29, None)


def test_reads_what_powershell_writes(tmp_path: Path) -> None:
    """`nvidia-smi … > load.csv` on Windows gives UTF-16 with CRLF."""
    path = tmp_path / "load.csv"
    path.write_bytes(NVIDIA_SMI.replace("\n", "\r\n").encode("utf-16"))
    assert load_samples(path)[0].gpu == 29


def test_one_gpu_of_several_has_to_be_chosen(tmp_path: Path) -> None:
    """A host's GPUs are not mixed up."""
    path = tmp_path / "metrics.txt"
    path.write_text(PROMETHEUS)
    with pytest.raises(SampleError, match="GPUs 0, 1: choose one"):
        load_samples(path, instances=1)
    with pytest.raises(SampleError, match="no GPU 7"):
        load_samples(path, instances=1, gpu_index="7")
    (only,) = load_samples(path, instances=1, gpu_index="1")
    assert only.gpu == 3


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(SampleError, match=r"none\.csv cannot be read"):
        load_samples(tmp_path / "none.csv")
