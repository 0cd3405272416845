"""How the viewer stands with their budget of points, in the contract."""

from datetime import datetime

import strawberry

from vaultstream import dependencies
from vaultstream.gql.context import Info


@strawberry.type(
    description="A budget of points that every operation is paid from before it runs: one for each object that it may "
    "show (lists multiply what is in them by `first`, or by as many as there can be), ten for each "
    "mutation and one for each item of a list in its input, twenty for a search, ten for each list with "
    "`where`, twenty for each that is ordered by anything but the name. What it did not need comes back "
    "after it. Points come back by the second until the budget is full again; guests of one network share "
    "one. An operation that may cost more than is left is refused with the code RATE_LIMITED, and told "
    "after how many seconds to try again."
)
class RateLimit:
    """Made from `context.Charge`."""

    limit: int = strawberry.field(description="Points in a full budget.")
    remaining: int = strawberry.field(description="Points left, this operation paid in full.")
    reset_at: datetime = strawberry.field(description="When it would be full again, if nothing more were asked.")
    cost: int = strawberry.field(description="What this operation may cost, and was charged before it ran.")


@strawberry.type
class RateLimitQueries:
    """One's own budget."""

    @strawberry.field(
        description="How you stand with your budget; every answer's `extensions.cost` tells the same once it has run."
    )
    def rate_limit(self, info: Info) -> RateLimit:
        """As it was paid before this ran."""
        dependencies.untraceable()
        charge = info.context.charge
        standing = charge.standing
        return RateLimit(
            limit=standing.limit, remaining=standing.remaining, reset_at=standing.reset_at, cost=charge.points
        )
