"""How much memory it takes to learn from a file that is larger than it should be.

Makes a file of rows x 20 float32 (Parquet, and .npy for memory-mapping), and learns from it
in a process of its own for each way, the peaks of whose resident memory are printed: in
all, and without the pages of the file that the system keeps there as long as it has room.
Where that room is limited (`systemd-run --scope -p MemoryMax=1G python ...`), it takes them
away. The folder must lie on a disk.

    python benchmarks/larger_than_memory.py --folder FOLDER
    python benchmarks/larger_than_memory.py --folder FOLDER --rows 2000000
"""

import argparse
import multiprocessing
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import print_machine, print_table, write_json

from sk_shallow import ShallowNetClassifier

N_FEATURES, N_HIDDEN, CHUNK = 20, 32, 100_000
NAMES = [f"x{k}" for k in range(N_FEATURES)]


def rows_of(number: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Chunk of that number: a product of two columns, and noise."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.5 * rng.standard_normal(n_rows) > 0).astype(np.int8)


def make_files(folder: Path, n_rows: int) -> None:
    table = np.lib.format.open_memmap(
        folder / "X.npy", "w+", np.float32, (n_rows, N_FEATURES)
    )
    labels = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int8, (n_rows,))
    schema = pa.schema([*((name, pa.float32()) for name in NAMES), ("y", pa.int8())])
    with pq.ParquetWriter(folder / "rows.parquet", schema) as writer:
        for start in range(0, n_rows, CHUNK):
            X, y = rows_of(start, min(CHUNK, n_rows - start))
            table[start : start + CHUNK], labels[start : start + CHUNK] = X, y
            columns = [pa.array(column) for column in (*X.T, y)]
            writer.write_table(pa.table(columns, schema=schema))
    table.flush()


def from_parquet_by_dask(folder: Path) -> ShallowNetClassifier:
    """The same, over the partitions of a data frame that dask reads one by one."""
    net = ShallowNetClassifier(N_HIDDEN, solver="adam", random_state=0)
    frame = dd.read_parquet(folder / "rows.parquet", split_row_groups=True)
    for partition in frame.partitions:
        rows = partition.compute(scheduler="synchronous")
        net.partial_fit(rows[NAMES].to_numpy(), rows["y"], classes=[0, 1])
    return net


def from_parquet(folder: Path) -> ShallowNetClassifier:
    """One pass of Adam over the batches of a Parquet file."""
    net = ShallowNetClassifier(N_HIDDEN, solver="adam", random_state=0)
    # With a buffer, pyarrow reads ahead, and keeps what it has read.
    file = pq.ParquetFile(folder / "rows.parquet", pre_buffer=False)
    for batch in file.iter_batches(CHUNK):
        columns = [column.to_numpy() for column in batch.columns]
        net.partial_fit(np.column_stack(columns[:-1]), columns[-1], classes=[0, 1])
    return net


def from_memory_map(folder: Path) -> ShallowNetClassifier:
    """L-BFGS on all rows, which are read again in each iteration."""
    X, y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "Xy")
    net = ShallowNetClassifier(N_HIDDEN, max_iter=10, tol=0, random_state=0)
    return net.fit(X, y)


WAYS = {
    "partial_fit, Parquet by pyarrow": from_parquet,
    "partial_fit, Parquet by dask": from_parquet_by_dask,
    "fit, memory-mapped": from_memory_map,
}


def resident() -> tuple[float, float]:
    """Megabytes of this process: all, and those that belong to no file (Linux)."""
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
    )
    return tuple(float(status[key].split()[0]) / 1e3 for key in ("VmRSS", "RssAnon"))


def report(way: Callable[[Path], ShallowNetClassifier], folder: Path, queue) -> None:
    """Run in a process of its own: seconds, accuracy and peaks."""
    peaks, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peaks.append(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = way(folder)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    accuracy = net.score(*rows_of(2**31, CHUNK))
    queue.put((seconds, accuracy, *np.max(peaks, axis=0)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the files go")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print_machine()
    make_files(arguments.folder, arguments.rows)
    size = (arguments.folder / "X.npy").stat().st_size / 1e6
    context = multiprocessing.get_context("spawn")
    results = {}
    for name, way in WAYS.items():
        queue = context.Queue()
        process = context.Process(target=report, args=(way, arguments.folder, queue))
        process.start()
        results[name] = queue.get()
        process.join()
    print(f"\n{arguments.rows} x {N_FEATURES} float32 ({size:.0f} MB), {N_HIDDEN} units")
    print_table(
        ["", "seconds", "accuracy", "peak resident [MB]", "without the file's pages [MB]"],
        [
            [name, f"{seconds:.0f}", f"{accuracy:.3f}", f"{everything:.0f}", f"{own:.0f}"]
            for name, (seconds, accuracy, everything, own) in results.items()
        ],
    )
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
