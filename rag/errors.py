"""
What can go wrong in retrieval.

    RagError
    ├── RowError            a row of a feed names no valid product or partner
    ├── EmbeddingError      texts could not be turned into vectors
    └── IndexUnavailableError   an index does not answer, or not in time
"""


class RagError(Exception):
    """Base of the package's own errors; the message may be shown to an operator."""


class RowError(RagError):
    """
    One row of a feed cannot be taken.

    *row* counts from 1, *field* may be empty, *source* is the feed's file if it has one.
    """

    def __init__(self, row: int, field: str, message: str, source: str = "") -> None:
        place = f"{source}, row {row}" if source else f"row {row}"
        super().__init__(f"{place}, field {field or '(row)'}: {message}")
        self.row = row
        self.field = field
        self.message = message

    def within(self, source: str) -> "RowError":
        """Return the error with the name of its feed."""
        return RowError(self.row, self.field, self.message, source)


class EmbeddingError(RagError):
    """The embedding model or service failed."""


class IndexUnavailableError(RagError):
    """The index failed or did not answer in time."""
