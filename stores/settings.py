"""Options of the stores, and the factory that opens the document store they name."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

from stores.documents import DocumentStore, StoreError

INSTALL = "pip install 'pycirrus[mongo]'"

DOCUMENTS_FILE = "documents.sqlite3"


class StoreSettings(BaseModel):
    """Where lasting documents live: MongoDB when it is named, else a file in `data_dir`."""

    mongo_url: SecretStr | None = Field(
        default=None,
        description=(
            "MongoDB connection string (mongodb:// or mongodb+srv://) for catalogue, chat "
            "history and session records; without it they live in data_dir"
        ),
    )
    mongo_url_file: Path | None = Field(default=None, description="A file with mongo_url")
    data_dir: Path = Field(
        default=Path("data"),
        description="Directory of the embedded stores; made when it does not exist",
    )

    @field_validator("mongo_url")
    @classmethod
    def _known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        schemes = ("mongodb://", "mongodb+srv://")
        if value is not None and not value.get_secret_value().startswith(schemes):
            raise ValueError("must start with mongodb:// or mongodb+srv://")
        return value


async def open_document_store(settings: StoreSettings) -> DocumentStore:
    """
    Open the store that *settings* name; raise `StoreError` when that fails.

    MongoDB's client comes with the `mongo` extra and is only imported when asked for.
    """
    if settings.mongo_url is not None:
        try:
            from stores.mongo import MongoStore  # noqa: PLC0415 - motor is an optional extra
        except ModuleNotFoundError as exc:
            raise StoreError(f"mongo_url needs {exc.name}: {INSTALL}") from None
        return await MongoStore.connect(settings.mongo_url.get_secret_value())
    from stores.sqlite import SqliteStore  # noqa: PLC0415 - likewise only when used

    return await SqliteStore.open(settings.data_dir / DOCUMENTS_FILE)
