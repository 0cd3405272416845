"""The report of `benchmarks.audit`: each search in partitions beside one table, then the log's own speeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import report
from benchmarks.audit_rows import ITEMS, MONTHS, PEOPLE

_TOTAL = "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('audit.{table}')"
SIZES = (_TOTAL.format(table="events"), "SELECT pg_total_relation_size('audit.flat')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a search was run: tables and pages it read, indexes it took, milliseconds."""

    planned_ms: float
    ran_ms: float
    pages: int
    tables: int
    indexes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Way:
    """Rows that went one way."""

    rows: int
    size_mb: float
    seconds: float
    grown_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that was measured; a search's plans are in partitions, then in one table; events a second by batch."""

    rows: int
    loaded_seconds: float
    sizes_mb: tuple[float, float]
    plans: Mapping[str, tuple[Plan, Plan]]
    exported: Way
    verified: Way
    appended: Mapping[int, float]


def told(figures: Figures, *, keep: bool) -> None:
    """Print the report, and keep it and its picture where asked."""
    text = "\n\n".join([_head(figures), _plans(figures), _speeds(figures)]) + "\n"
    if keep:
        _picture(figures)
        report.write("audit", text)
    else:
        print(text)


def _head(figures: Figures) -> str:
    return (
        f"# The audit log: {figures.rows:,} rows over {MONTHS} months\n\n"
        f"`python -m benchmarks.audit --rows {figures.rows} --write`\n\n{report.machine()}; PostgreSQL as the embedded "
        f"stack runs it (32 MB of shared buffers, fsync on). {PEOPLE} people, {ITEMS:,} items; rows as the vault "
        "writes them, but for addresses and agents, which are empty. All are linked in the chain. The same rows "
        "lie once more in one table with the same indexes; both are vacuumed and analyzed. Made in "
        f"{figures.loaded_seconds:.0f} s."
    )


def _plans(figures: Figures) -> str:
    rows = []
    for name, plans in figures.plans.items():
        for where, plan in zip(("partitions", "one table"), plans, strict=True):
            indexes = ", ".join(plan.indexes) or "none"
            numbers = [f"{plan.tables}", f"{plan.pages:,}", f"{plan.planned_ms:.2f}", f"{plan.ran_ms:.2f}"]
            rows.append([f"{name}: {where}, by {indexes}", *numbers])
    head = ["a page of 100, newest first", "tables read", "pages read", "planned, ms", "run, ms"]
    return (
        f"{report.table(head, rows)}\n\nThe quickest of five. A time range leaves the other months out when the plan "
        "is made. Without one, every month's index is asked, where one table's is asked once: the default partition "
        "could hold rows of any time, so PostgreSQL merges the months instead of ending with the newest."
    )


def _speeds(figures: Figures) -> str:
    out, proved = figures.exported, figures.verified
    rows = [
        ["disk: partitions", f"{figures.sizes_mb[0]:,.0f} MB"],
        ["disk: one table", f"{figures.sizes_mb[1]:,.0f} MB"],
        [f"export of the first {out.rows:,} rows", f"{out.size_mb / out.seconds:.1f} MB/s"],
        ["memory that grew in its second half", f"{out.grown_mb:.1f} MB"],
        [f"proof of the first {proved.rows:,} rows", f"{proved.rows / proved.seconds:,.0f} rows/s"],
        ["memory that grew", f"{proved.grown_mb:.1f} MB"],
        *([f"append, in batches of {batch}", f"{rate:,.0f} events/s"] for batch, rate in figures.appended.items()),
    ]
    return report.table(["the log itself", ""], rows)


def _picture(figures: Figures) -> None:
    made, axes = report.figure()
    for offset, (label, colour) in enumerate((("partitions", "C0"), ("one table", "C1"))):
        pages = [plans[offset].pages for plans in figures.plans.values()]
        places = [place + (0.2 if offset else -0.2) for place in range(len(pages))]
        axes.barh(places, pages, height=0.36, color=colour, label=label)
        for place, plans in zip(places, figures.plans.values(), strict=True):
            plan = plans[offset]
            axes.text(plan.pages, place, f" {plan.planned_ms + plan.ran_ms:.2f} ms", va="center", fontsize="small")
    axes.set_yticks(range(len(figures.plans)), list(figures.plans))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("pages of 8 KiB that were read (beside them: milliseconds to plan and run)")
    axes.set_title(f"A page of 100 from {figures.rows:,} rows")
    axes.legend()
    report.keep_picture(made, "audit")
