"""The same net on tables that are larger than one machine, with Dask.

The objective is a sum over rows, so each worker sums over the rows it holds, and only the
sums travel. Everything else (L-BFGS, early stopping, starts, warnings) is the code that
trains in memory.
"""

try:
    import dask.array as _array  # noqa: F401
    import distributed as _distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "Training on a cluster needs Dask: pip install 'sk-shallow[dask]'."
    ) from error

from sk_shallow.dask.estimator import DaskShallowNetClassifier

__all__ = ["DaskShallowNetClassifier"]
