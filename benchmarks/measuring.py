"""What the benchmarks share: alternating the sides, medians, tables, and JSON."""

import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from threadpoolctl import threadpool_info, threadpool_limits

import sk_shallow

Seconds = list[float]


def alternated(sides: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Seconds]:
    """The times of each side, taken in turn, after one round that does not count."""
    times: dict[str, Seconds] = {name: [] for name in sides}
    for repetition in range(repeats + 1):
        for name, run in sides.items():
            seconds = timed(run)
            if repetition:
                times[name].append(seconds)
    return times


def timed(run: Callable[[], Any]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        run()
        return time.perf_counter() - start


def made_data(n: int, d: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a small random net, one label of ten by chance."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32 if dtype == "float32" else np.float64)
    hidden = np.tanh(X @ rng.standard_normal((d, 5)).astype(dtype) / d**0.5 * 2)
    z2 = hidden @ rng.standard_normal(5)
    y = (z2 > np.median(z2)) ^ (rng.uniform(size=n) < 0.1)
    return X, y.astype(int)


def held_to(threads: int | None) -> Any:
    """A context in which BLAS has that many threads; None leaves it alone."""
    return nullcontext() if threads is None else threadpool_limits(threads, "blas")


def geometric_mean(ratios: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def spread(values: Sequence[float]) -> str:
    """The median, and the range in brackets."""
    return f"{np.median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "blas": [
            f"{lib['internal_api']} {lib['version']} ({lib['architecture']}), "
            f"{lib['num_threads']} threads"
            for lib in threadpool_info()
            if lib["user_api"] == "blas"
        ],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "sk_shallow": sk_shallow.__version__,
    }


def processor() -> str:
    """The name of the processor, where Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def print_machine() -> None:
    for name, value in machine().items():
        print(f"{name}: {'; '.join(value) if isinstance(value, list) else value}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        first, *others = row
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]).rstrip())


def write_json(path: str | None, results: Any) -> None:
    if path:
        content = {"machine": machine(), "results": results}
        Path(path).write_text(json.dumps(content, indent=1), encoding="utf-8")
