"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ue5_config.project import Place


class Severity(StrEnum):
    """How bad a finding is; errors make the command fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: rule, place, what, why it matters and how to mend it."""

    rule: str
    severity: Severity
    what: str
    why: str
    fix: str
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        head = f"{where}{self.severity} [{self.rule}] {self.what}"
        return f"{head}\n    why: {self.why}\n    fix: {self.fix}"

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object; its place is null where it has none."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "file": self.place.file if self.place else None,
            "section": self.place.section if self.place else None,
            "line": self.place.line if self.place else None,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
        }
