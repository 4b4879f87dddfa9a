"""What a run's report reckons with, and what it exports while it goes on."""

from pydantic import Field

from configs.section import Section


class ReportSettings(Section):
    """Prices, for what an hour of audio costs."""

    price_per_kwh: float | None = Field(
        None,
        ge=0,
        description="Price of a kilowatt-hour; with it the report says what the cards' energy cost.",
    )
    machine_price_per_h: float | None = Field(
        None, ge=0, description="What an hour of the machine costs, where it is rented."
    )
    currency: str = Field("EUR", min_length=1, max_length=8, description="What prices are in.")
