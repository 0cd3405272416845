"""The report of `benchmarks.transfer`: tables, a picture, and the two answers it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import report
from benchmarks.meter import Cost

WAYS = ("upload, one request", "upload, 8 MiB requests", "download, one request", "download, 8 MiB ranges")
DOORS = ("sealed", "unsealed", "proxy")
SHARE_MAX = 0.25
GROWTH_MAX_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Runs:
    """What was measured: costs by way and door, and seconds per GB of the cipher alone, one for each round."""

    size_bytes: int
    costs: dict[tuple[str, str], list[Cost]]
    limits: dict[str, list[float]]

    def per_gb(self, way: str, door: str) -> list[float]:
        """CPU seconds of the API process for 10^9 bytes, in each round."""
        return [cost.api_seconds * 1e9 / self.size_bytes for cost in self.costs[way, door]]

    def share(self, way: str) -> list[float]:
        """What sealing has of the CPU time of a sealed transfer, in each round."""
        pairs = zip(self.per_gb(way, "sealed"), self.per_gb(way, "unsealed"), strict=True)
        return [1 - unsealed / sealed for sealed, unsealed in pairs]

    def limit_share(self, way: str) -> list[float]:
        """What bare AES-GCM calls would have of it, in each round."""
        limits = self.limits["seal" if way.startswith("upload") else "open"]
        return [limit / sealed for limit, sealed in zip(limits, self.per_gb(way, "sealed"), strict=True)]

    def above_floor(self, way: str) -> list[float]:
        """What all that the vault does more than the proxy has of it (its uploads have one way only), in each round."""
        floor = way if (way, "proxy") in self.costs else "upload, one request"
        pairs = zip(self.per_gb(way, "sealed"), self.per_gb(floor, "proxy"), strict=True)
        return [1 - proxy / sealed for sealed, proxy in pairs]


def told(runs: Runs, *, keep: bool) -> None:
    """Print the report, and keep it and its picture where asked."""
    text = "\n\n".join([_head(runs), _answers(runs), _costs(runs), _limits(runs)]) + "\n"
    if keep:
        _picture(runs)
        report.write("transfer", text)
    else:
        print(text)


def _head(runs: Runs) -> str:
    rounds = len(next(iter(runs.costs.values())))
    command = f"python -m benchmarks.transfer --size-mib {runs.size_bytes // 2**20} --rounds {rounds} --write"
    return (
        f"# A transfer of {runs.size_bytes / 2**30:.2f} GiB\n\n`{command}`\n\n{report.machine()}. "
        "Client, API, S3 server and whatever else the machine does share the cores, so ratios and CPU time mean "
        "more than MB/s. GB and MB are powers of ten. Figures are medians (and ranges) of the rounds."
    )


def _answers(runs: Runs) -> str:
    """Sealing's share of the CPU time, and the growth of memory, of the vault itself."""
    head = [
        "the vault",
        "sealing's share of CPU",
        "bare AES-GCM's share",
        "all above the proxy",
        "RSS growth, most of all rounds",
    ]
    rows = [
        [
            way,
            report.spread(runs.share(way), ".1%"),
            report.spread(runs.limit_share(way), ".1%"),
            report.spread(runs.above_floor(way), ".0%"),
            f"{max(cost.growth_bytes for cost in runs.costs[way, 'sealed']) / 1e6:.0f} MB",
        ]
        for way in WAYS
    ]
    shares = [median(runs.share(way)) for way in WAYS]
    growth_bytes = max(cost.growth_bytes for way in WAYS for cost in runs.costs[way, "sealed"])
    limits = [median(runs.limit_share(way)) for way in WAYS]
    said = (
        f"Of the CPU time of a transfer, sealing has {min(shares):.0%} to {max(shares):.0%} (1 - unsealed/sealed, "
        "round by round; what is below zero is noise: a copy costs nearly as much as AES-GCM). "
        f"Bare AES-GCM calls on as many frames would have {min(limits):.0%} to {max(limits):.0%} of it. "
        f"Allowed is less than {SHARE_MAX:.0%}. "
        f"The server's resident memory grew by {growth_bytes / 1e6:.0f} MB at most, in any round; "
        f"allowed is less than {GROWTH_MAX_BYTES / 1e6:.0f} MB."
    )
    return f"{said}\n\n{report.table(head, rows)}"


def _costs(runs: Runs) -> str:
    head = ["way", "door", "API CPU s/GB", "over proxy", "MB/s", "S3 server CPU s/GB", "RSS growth, most"]
    return report.table(head, [_row(runs, way, door) for way in WAYS for door in DOORS if (way, door) in runs.costs])


def _row(runs: Runs, way: str, door: str) -> list[str]:
    costs, own = runs.costs[way, door], runs.per_gb(way, door)
    floor = way if (way, "proxy") in runs.costs else "upload, one request"
    over = [mine / bare for mine, bare in zip(own, runs.per_gb(floor, "proxy"), strict=True)]

    def each(figure: Callable[[Cost], float]) -> float:
        return median(figure(cost) for cost in costs)

    return [
        way,
        door,
        report.spread(own, ".2f"),
        f"{median(over):.2f}",
        f"{each(lambda cost: runs.size_bytes / 1e6 / cost.wall_seconds):.0f}",
        f"{each(lambda cost: cost.s3_seconds * 1e9 / runs.size_bytes):.2f}",
        f"{max(cost.growth_bytes for cost in costs) / 1e6:.0f} MB",
    ]


def _limits(runs: Runs) -> str:
    names = {
        "seal": "`AESGCM.encrypt_into`, 64 KiB frames",
        "open": "`AESGCM.decrypt_into`, 64 KiB frames",
        "openssl": "`openssl speed -evp aes-256-gcm`, 64 KiB blocks (the system's OpenSSL)",
    }
    rows = [
        [text, report.spread(runs.limits[name], ".3f"), f"{1000 / median(runs.limits[name]):,.0f}"]
        for name, text in names.items()
    ]
    return report.table(["the cipher alone", "CPU s/GB", "MB/s of CPU"], rows)


def _picture(runs: Runs) -> None:
    figure, axes = report.figure()
    for index, door in enumerate(DOORS):
        ways = [way for way in WAYS if (way, door) in runs.costs]
        places = [WAYS.index(way) + (index - 1) * 0.27 for way in ways]
        axes.bar(places, [median(runs.per_gb(way, door)) for way in ways], width=0.25, label=door)
    limit = [median(runs.limits["seal" if way.startswith("upload") else "open"]) for way in WAYS]
    axes.hlines(limit, [x - 0.4 for x in range(len(WAYS))], [x + 0.4 for x in range(len(WAYS))], colors="black")
    axes.plot([], [], color="black", label="AES-256-GCM alone")
    axes.set_xticks(range(len(WAYS)), [way.replace(", ", "\n") for way in WAYS])
    axes.set_ylabel("CPU seconds of the API process per GB")
    axes.set_title(f"A transfer of {runs.size_bytes / 2**30:.2f} GiB")
    axes.legend()
    report.keep_picture(figure, "transfer")
