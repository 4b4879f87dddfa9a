"""What a run's report reckons with, and what it exports while it goes on."""

from pydantic import Field

from configs.section import Section


class ReportSettings(Section):
    """Prices, for what an hour of audio costs; and metrics."""

    price_per_kwh: float | None = Field(
        None,
        ge=0,
        description="Price of a kilowatt-hour; with it the report says what the cards' energy cost.",
    )
    machine_price_per_h: float | None = Field(
        None, ge=0, description="What an hour of the machine costs, where it is rented."
    )
    currency: str = Field("EUR", min_length=1, max_length=8, description="What prices are in.")
    metrics: bool = Field(
        True,
        description="Export what stages, ledger, governor and cards do to Prometheus, through Ray's own endpoint.",
    )
    last_scrape_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="How long a Ray of our own stays up after the last video, for Prometheus to take the last figures. "
        "Its scrape interval and 6 s more lose nothing; 0 may lose so much of a run's end.",
    )
