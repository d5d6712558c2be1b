"""What the benchmarks measure with: percentiles, processor time, memory, the machine."""

import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles

PARTS = ("grpcio", "duckdb", "pyarrow", "sqlglot", "cryptography")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Load:
    """What a closed loop of clients saw."""

    latency: Latency
    per_second: float
    count: int


def without_limits(example: Path, into: Path) -> Path:
    """A copy of an example federation whose policies neither level answers nor count a day's use.

    A loop would spend the budget of a day within seconds, and measure the ticks from then on.
    """
    copy = into / example.name
    shutil.copytree(example, copy)
    for path in copy.glob("members/*/policy.yaml"):
        kept = (
            line
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            if not line.startswith(("    budget: {", "    answer_ticks_ms: "))
        )
        path.write_text("".join(kept), encoding="utf-8")
    return copy


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th percentile, in milliseconds. Needs: two values or more."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and of its living children (the merge workers)."""
    return sum(_own_cpu_seconds(found) for found in (pid, *_children(pid)))


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of the process and its children, in MB."""
    totals = {"Rss": 0, "Pss": 0}
    for found in (pid, *_children(pid)):
        for line in Path(f"/proc/{found}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in totals:
                totals[name] += int(rest.split()[0])
    return totals["Rss"] / 1000, totals["Pss"] / 1000


def describe_machine() -> list[str]:
    """The machine and what runs on it, a line each."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    memory = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    parts = ", ".join(f"{name} {version(name)}" for name in PARTS)
    return [
        f"machine: {os.cpu_count()} x {model}, {int(memory) / 1e6:.0f} GB, Linux {platform.release()}",
        f"software: CPython {platform.python_version()}, {parts}",
        f"load before: {os.getloadavg()[0]:.2f}",
    ]


def _own_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found
