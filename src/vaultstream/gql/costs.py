"""What it costs to keep an item, by the price table of the contract `tiers`."""

from datetime import date
from enum import Enum
from typing import Annotated

import strawberry
from strawberry.types.enum import EnumValueDefinition

from vaultstream import costs
from vaultstream.actions import cost
from vaultstream.gql import states
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import item_id as to_item_id
from vaultstream.gql.scalars import ByteSize
from vaultstream.tiers import PRICES, StorageTier

_Of = tuple[StorageTier, float]
_On = tuple[costs.CostLine, float]


def _line(line: costs.CostLine, description: str) -> EnumValueDefinition:
    return strawberry.enum_value(line.value, description=description)


@strawberry.enum(description="A line of a bill.")
class CostLine(Enum):
    """As `vaultstream.costs.CostLine`."""

    STORAGE = _line(costs.CostLine.STORAGE, "The bytes themselves.")
    OVERHEAD = _line(costs.CostLine.OVERHEAD, "What a class bills of each object beside its bytes.")
    MINIMUM_DURATION = _line(costs.CostLine.MINIMUM_DURATION, "Days that are billed of what is deleted early.")
    TRANSITIONS = _line(costs.CostLine.TRANSITIONS, "Moves to colder classes.")
    REQUESTS = _line(costs.CostLine.REQUESTS, "Writing and reading.")
    RETRIEVAL = _line(costs.CostLine.RETRIEVAL, "Fetching from colder classes, and copies of what was archived.")
    KEYS = _line(costs.CostLine.KEYS, "Calls of KMS.")
    TABLE = _line(costs.CostLine.TABLE, "Records in DynamoDB.")


@strawberry.type(description="One line of a bill.")
class CostOfLine:
    """Read from an item of `Bill.lines`."""

    @strawberry.field(description="The line.", graphql_type=CostLine)
    def line(self: _On) -> costs.CostLine:
        """What it is for."""
        return self[0]

    @strawberry.field(description="US dollars.")
    def usd(self: _On) -> float:
        """As the model says."""
        return self[1]


@strawberry.type(description="The storage in one class.")
class CostOfTier:
    """Read from an item of `Bill.storage`."""

    @strawberry.field(description="The storage class.", graphql_type=states.StorageTier)
    def tier(self: _Of) -> StorageTier:
        """Where it is."""
        return self[0]

    @strawberry.field(description="US dollars.")
    def usd(self: _Of) -> float:
        """As the model says."""
        return self[1]


@strawberry.type(description="What something costs, in US dollars.")
class Bill:
    """Read from `vaultstream.costs.Bill`."""

    total_usd: float = strawberry.field(description="All lines.", name="totalUsd")

    @strawberry.field(description="The lines that are not nothing.", graphql_type=list[CostOfLine])
    def cost_lines(self: costs.Bill) -> list[_On]:
        """In the order of the enum."""
        return [(line, usd) for line in costs.CostLine if (usd := self.lines.get(line, 0.0))]

    @strawberry.field(description="The line of storage, by class.", graphql_type=list[CostOfTier])
    def cost_tiers(self: costs.Bill) -> list[_Of]:
        """The warmest first."""
        return [(tier, usd) for tier in StorageTier if (usd := self.storage.get(tier, 0.0))]


@strawberry.type(description="What a file with all its versions costs, or what lies in a folder.")
class StorageCost:
    """Read from `vaultstream.actions.cost.Cost`."""

    file_count: int = strawberry.field(description="How many files were counted.")
    version_count: int = strawberry.field(description="How many versions they have.")
    stored_bytes: ByteSize = strawberry.field(description="Their sealed bytes, thumbnails left out.")
    is_whole: bool = strawberry.field(description="False where there is more than one answer counts.")
    month: Bill = strawberry.field(description="The storage for a month as it is kept now.")
    month_in_standard: Bill = strawberry.field(description="The same if all of it were in STANDARD.")
    life: Bill = strawberry.field(description="The same versions stored anew, for so many months, by the rules.")
    life_in_standard: Bill = strawberry.field(description="The same if nothing ever moved.")

    @strawberry.field(description="The region of the prices.")
    def region(self: cost.Cost) -> str:
        """Of the table."""
        return PRICES.region

    @strawberry.field(description="The day of the prices, AWS's list prices: check them before a budget rests on them.")
    def prices_as_of(self: cost.Cost) -> date:
        """Of the table."""
        return PRICES.as_of


@strawberry.type
class CostQueries:
    """What keeping costs."""

    @strawberry.field(
        description=f"What an item costs to keep, as a model has it: of a folder, at most {cost.FILES_MAX} files.",
        graphql_type=StorageCost,
    )
    async def storage_cost(
        self,
        info: Info,
        item_id: Annotated[strawberry.ID, strawberry.argument(description="The folder or file.")],
        months: Annotated[int, strawberry.argument(description="How long `life` is: 1 to 120 months.")] = 36,
        reads_per_month: Annotated[
            float, strawberry.argument(description="How often each version is read in a month of `life`, as a whole.")
        ] = 0.0,
    ) -> cost.Cost:
        """One Query a folder and one a file."""
        context = info.context
        return await cost.of(context.vault, context.actor, to_item_id(item_id), months=months, reads=reads_per_month)
