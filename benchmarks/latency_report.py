"""The report of `benchmarks.latency`: when a picture was seen CLEAN and READY, and where the time went."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import report
from vaultstream.events import EventName

STORED, SCAN_BEGUN, SCANNED = EventName.VERSION_STORED, EventName.VERSION_SCAN_BEGUN, EventName.VERSION_SCANNED
RENDER_BEGUN, RENDERED = EventName.VERSION_THUMBNAIL_BEGUN, EventName.VERSION_THUMBNAIL


@dataclass(frozen=True, slots=True)
class Journey:
    """Moments in the life of one upload, in seconds since the epoch; `queued` is when an event left the bus."""

    file_id: str
    sent_at: float
    answered_at: float
    clean_at: float
    ready_at: float
    events: Mapping[str, float] = field(default_factory=dict)
    queued: Mapping[str, float] = field(default_factory=dict)

    def moments(self) -> list[float]:
        """Where the stages begin and end, in their order."""
        at, queued = self.events, self.queued
        to_clean = [self.sent_at, at[STORED], queued[STORED], at[SCAN_BEGUN], at[SCANNED]]
        return [*to_clean, queued[SCANNED], at[RENDER_BEGUN], at[RENDERED], self.ready_at]


STAGES = (
    "last byte to `version.stored`: seal, S3, two commits, head",
    "into the scan queue: commit, stream, relay, bus",
    "to `scan_begun`: poll, read",
    "to `scanned`: commit, open, scan",
    "into the thumbnail queue: commit, stream, relay, bus",
    "to `thumbnail_begun`: poll, read",
    "to `thumbnail`: commit, open, draw, seal and store three",
    "to seen READY: commit, nudge, query, socket",
)


FIRST = "the first after a start"


def told(found: Mapping[str, Sequence[Journey]], *, keep: bool) -> None:
    """Print the report, and keep it and its picture where asked."""
    many = {title: journeys for title, journeys in found.items() if title != FIRST}
    text = "\n\n".join([_head(found), _seen(found), _stages(many)]) + "\n"
    if keep:
        _picture(many)
        report.write("latency", text)
    else:
        print(text)


def _head(found: Mapping[str, Sequence[Journey]]) -> str:
    count = max(map(len, found.values()))
    return (
        f"# A picture of 2 MB: from its last byte to CLEAN and READY\n\n"
        f"`python -m benchmarks.latency --count {count} --write`\n\n{report.machine()}. All parts of the embedded "
        f"stack, the sender and the watcher share the cores. {count} uploads each way, seen by a graphql-transport-ws "
        "subscriber of their folder. Events carry the time just before the commit that writes them. Milliseconds."
    )


def _seen(found: Mapping[str, Sequence[Journey]]) -> str:
    rows = []
    for title, journeys in found.items():
        for state, moments in {
            "answered (204)": [each.answered_at - each.sent_at for each in journeys],
            "CLEAN": [each.clean_at - each.sent_at for each in journeys],
            "READY": [each.ready_at - each.sent_at for each in journeys],
        }.items():
            rows.append([f"{title}: {state}", *_figures(moments)])
    return report.table(["from the last byte to", "median", "p95", "most"], rows)


def _stages(found: Mapping[str, Sequence[Journey]]) -> str:
    head = ["where the time goes", *(f"{title}, {figure}" for title in found for figure in ("median", "p95"))]
    columns = [_durations(journeys) for journeys in found.values()]
    rows = []
    for index, stage in enumerate(STAGES):
        figures = [text for column in columns for text in _figures(column[index])[:2]]
        rows.append([stage, *figures])
    return report.table(head, rows)


def _durations(journeys: Sequence[Journey]) -> list[list[float]]:
    """For each stage, how long each journey took over it."""
    moments = [each.moments() for each in journeys]
    return [[each[index + 1] - each[index] for each in moments] for index in range(len(STAGES))]


def _figures(seconds: Sequence[float]) -> list[str]:
    ranked = sorted(seconds)
    p95 = ranked[math.ceil(0.95 * len(ranked)) - 1]
    return [f"{value * 1000:.0f}" for value in (median(ranked), p95, ranked[-1])]


def _picture(found: Mapping[str, Sequence[Journey]]) -> None:
    figure, axes = report.figure()
    for row, journeys in enumerate(found.values()):
        left = 0.0
        for index, seconds in enumerate(_durations(journeys)):
            width = median(seconds) * 1000
            axes.barh(row, width, left=left, color=f"C{index}", label=STAGES[index] if row == 0 else None)
            left += width
        clean = median(each.clean_at - each.sent_at for each in journeys) * 1000
        axes.plot([clean, clean], [row - 0.45, row + 0.45], color="black", label="seen CLEAN" if row == 0 else None)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_xlabel("milliseconds since the last byte: the median of each stage")
    axes.set_title("A picture of 2 MB on its way to READY")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", fontsize="small", ncols=2)
    report.keep_picture(figure, "latency")
