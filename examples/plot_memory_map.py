"""Learning from a file
====================

A table that does not fit into memory may stay in its file. `fit` goes over the rows of a
memory-mapped array block by block, in every iteration again; `partial_fit` reads each chunk
once. Here the file has 100,000 rows x 20 columns, the classes follow the product of two
columns, and no line tells them apart.

Prints what both ways take up in memory beside the file, and the log-loss on 10,000 further
rows; the picture, saved in the current folder, shows how the stream gets there. For
Parquet, and for tables on several machines, see the guide to scaling.
"""

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sk_shallow import ShallowNetClassifier

N_ROWS, N_FEATURES, N_HIDDEN, CHUNK = 100_000, 20, 16, 4_000
PICTURE = "memory_map.png"


def rows_of(rng, n_rows):
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    noise = 0.5 * rng.standard_normal(n_rows)
    return X, (X[:, 0] * X[:, 1] + noise > 0).astype(np.int8)


def write(path, rng):
    """The table as a .npy file, in chunks, as it would be if it were large; its labels."""
    shape = (N_ROWS, N_FEATURES)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    y = np.empty(N_ROWS, dtype=np.int8)
    for start in range(0, N_ROWS, CHUNK):
        chunk = slice(start, start + CHUNK)
        X[chunk], y[chunk] = rows_of(rng, CHUNK)
    X.flush()
    return y


def stream(X, y, loss_of):
    """The losses of a net that reads X once, after each chunk."""
    net = ShallowNetClassifier(N_HIDDEN, solver="adam", random_state=0)
    losses = []
    for start in range(0, N_ROWS, CHUNK):
        chunk = slice(start, start + CHUNK)
        losses.append(loss_of(net.partial_fit(X[chunk], y[chunk], classes=[0, 1])))
    return losses


def megabytes(learn):
    """The peak of what is allocated while learning, and what is learnt."""
    tracemalloc.start()
    learnt = learn()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6, learnt


def main() -> None:
    rng = np.random.default_rng(0)
    X_test, y_test = rows_of(rng, 10_000)

    def loss_of(net):
        return log_loss(y_test, net.predict_proba(X_test))

    net = ShallowNetClassifier(N_HIDDEN, random_state=0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "X.npy"
        y = write(path, rng)
        X = np.load(path, mmap_mode="r")
        line = loss_of(LogisticRegression().fit(X[:CHUNK], y[:CHUNK]))
        fit_size, whole = megabytes(lambda: loss_of(net.fit(X, y)))
        stream_size, losses = megabytes(lambda: stream(X, y, loss_of))
    print(f"The file has {4 * N_ROWS * N_FEATURES / 1e6:.1f} MB. Beside it:")
    print(f"fit          {fit_size:.1f} MB, log-loss {whole:.3f}")
    print(f"partial_fit  {stream_size:.1f} MB, log-loss {losses[-1]:.3f}")
    print(f"LogisticRegression, on {CHUNK} rows: log-loss {line:.3f}")

    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    n_seen = np.arange(CHUNK, N_ROWS + 1, CHUNK)
    ax.plot(n_seen, losses, color="#0072B2", label="partial_fit, chunk after chunk")
    ax.axhline(whole, color="#D55E00", ls="--", label="fit on all rows of the file")
    ax.axhline(line, color="0.45", ls=":", label="LogisticRegression")
    ax.set(xlabel="rows read", ylabel="log-loss on further rows [nats per row]")
    ax.legend()
    figure.savefig(PICTURE, dpi=100)
    print(f"\nPicture: {PICTURE}")


if __name__ == "__main__":
    main()
