"""How many hardware encoder sessions a GPU opens at once."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from ue5_config.errors import UsageError
from ue5_config.settings_table import read_data


class GpuClass(BaseModel):
    """A class of GPUs with one session limit; None is no limit of the driver's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(alias="class")
    pattern: str
    sessions: int | None = None


GPU_CLASSES: Final = tuple(
    GpuClass.model_validate(row) for row in read_data("gpus.toml")["gpu"]
)

CONSUMER_SESSIONS: Final = next(gpu.sessions or 0 for gpu in GPU_CLASSES if gpu.sessions)
"""The limit of consumer GPUs, which holds for all of a machine's together."""


def gpu_class(name: str) -> GpuClass:
    """Return the class of a GPU by its marketing name; raises `UsageError` when unknown."""
    wanted = name.casefold()
    found = next((gpu for gpu in GPU_CLASSES if re.search(gpu.pattern, wanted)), None)
    if found is None:
        classes = ", ".join(dict.fromkeys(gpu.name for gpu in GPU_CLASSES))
        raise UsageError(f"GPU {name!r} is not known: name its class ({classes})")
    return found
