"""Queries executed breadth first: each field resolved once per level, and graphql-core for what no plan knows."""

from vaultstream.breadth.declarations import BY_CLASS, EXTENSION, ONCE, Attribute, Batch, Derived, declare
from vaultstream.breadth.plan import Answered, Plan, Tally, compile_plan

__all__ = [
    "BY_CLASS",
    "EXTENSION",
    "ONCE",
    "Answered",
    "Attribute",
    "Batch",
    "Derived",
    "Plan",
    "Tally",
    "compile_plan",
    "declare",
]
