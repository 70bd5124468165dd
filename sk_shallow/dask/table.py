"""A table in parts on the workers of a cluster, and how it is summed up there.

All that is sent is part of a task, so whatever a worker held when it died, the scheduler
knows how to make again.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, TypeVar

import dask
import numpy as np
from distributed import Client, Future
from numpy.typing import DTypeLike, NDArray

from sk_shallow._core.activations import Activation
from sk_shallow._core.objective import RowSums, Sums, added, row_sums
from sk_shallow._core.parameters import Parameters, Vector, flatten
from sk_shallow._core.rows import Run, by_parts
from sk_shallow.dask import tasks

FAN_IN = 8  # sums that one worker, and at the end the client, adds up

T = TypeVar("T")


class ClusterTable:
    """X in parts that stay on their workers, as a table of which sums can be had.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    partitions : list of Delayed
        Consecutive rows, as arrays, CSR matrices or data frames.
    dtype : dtype
        Of the numbers: float32 or float64.
    example : array or data frame of shape (1, n_features)
        A row with the columns of X, and their names if they have any.

    Raises
    ------
    ValueError
        If a partition is no finite table of that many columns; with its number.
    """

    def __init__(
        self, client: Client, partitions: Sequence[Any], dtype: DTypeLike, example: Any
    ) -> None:
        n_features = example.shape[1]
        self.client = client
        self.example = example
        self.dtype = np.dtype(dtype)
        self._kept: list[Future] = []  # until `close`
        read = dask.delayed(tasks.read_part)
        parts = client.compute(
            [
                read(number, partition, n_features, self.dtype)
                for number, partition in enumerate(partitions)
            ]
        )
        self._kept += parts
        try:
            lengths = self.gathered(client.map(tasks.n_rows, parts))
        except BaseException:
            self.close()
            raise
        self._numbers = np.flatnonzero(lengths)  # of the partitions that have rows
        self._parts = [parts[number] for number in self._numbers]
        self._ends = np.cumsum([0, *(lengths[number] for number in self._numbers)])
        self.shape = (int(self._ends[-1]), n_features)

    def close(self) -> None:
        """Let the cluster forget all that was made here."""
        release(self._kept)
        self._kept.clear()

    def partition_of(self, row: int) -> int:
        """The number of the partition that a row is in."""
        part = np.searchsorted(self._ends, row, side="right") - 1
        return int(self._numbers[part])

    def stretches(self, column: NDArray[Any]) -> list[tasks.Packed]:
        """The stretch of a column that belongs to each part."""
        return [tasks.Packed.of(column[start:end]) for start, end in pairwise(self._ends)]

    def keep_columns(self, *columns: Vector | None) -> list[Future]:
        """Columns as arrays beside their parts, until `close`."""
        packed = [
            [None] * len(self._parts) if column is None else self.stretches(column)
            for column in columns
        ]
        futures = [
            self.client.submit(tasks.unpack, stretch, pure=False)
            for stretch in zip(*packed, strict=True)
        ]
        self._kept += futures
        return futures

    def done_on_parts(self, task: Callable[..., T], *columns: Vector) -> list[T]:
        packed = [self.stretches(column) for column in columns]
        return self.gathered(
            [
                self.client.submit(
                    tasks.do, task, part, [column[number] for column in packed], pure=False
                )
                for number, part in enumerate(self._parts)
            ]
        )

    def summed(
        self,
        task: Callable[..., Sums],
        parameters: Parameters,
        columns: list[Future],
        *args: Any,
    ) -> Sums:
        """`task(parameters, X, columns, *args)` of each part, added in a tree.

        The tree follows from the number of parts, so the bits do not depend on the workers.
        """
        sums = self.submitted(task, parameters, columns, *args)
        while len(sums) > FAN_IN:
            sums = [
                self.client.submit(
                    tasks.added_in_order, sums[first : first + FAN_IN], pure=False
                )
                for first in range(0, len(sums), FAN_IN)
            ]
        parts: list[Sums] = self.gathered(sums)
        return reduce(added, parts)

    def submitted(
        self,
        task: Callable[..., Any],
        parameters: Parameters,
        columns: list[Future],
        *args: Any,
    ) -> list[Future]:
        # Sent once, as a task that any worker can do again; the others get it from there.
        sent = self.client.submit(
            tasks.received, flatten(parameters), self.shape[1], self.dtype, pure=False
        )
        return [
            self.client.submit(task, sent, part, column, *args, pure=False)
            for part, column in zip(self._parts, columns, strict=True)
        ]

    def gathered(self, futures: list[Future]) -> list[Any]:
        """The results of futures, which are forgotten, also if one fails."""
        try:
            results: list[Any] = self.client.gather(futures)
            return results
        finally:
            release(futures)


def release(futures: Sequence[Future]) -> None:
    for future in futures:
        future.release()


class ClusterSums:
    """Sums over the rows of a table on a cluster."""

    def __init__(
        self, table: ClusterTable, columns: list[Future], activation: Activation
    ) -> None:
        self._table = table
        self._columns = columns
        self._activation = activation

    def sums(self, parameters: Parameters) -> Sums:
        return self._table.summed(
            tasks.part_sums, parameters, self._columns, self._activation
        )

    def loss(self, parameters: Parameters) -> float:
        losses = self._table.gathered(
            self._table.submitted(
                tasks.part_loss, parameters, self._columns, self._activation
            )
        )
        return float(sum(losses))


@row_sums.register
def _(
    X: ClusterTable,
    sign: Vector,
    sample_weight: Vector,
    held_out_weight: Vector | None,
    *,
    activation: Activation,
    n_hidden: int,  # noqa: ARG001 (the parameters tell)
    run: Run,  # noqa: ARG001 (the cluster runs)
) -> RowSums:
    columns = X.keep_columns(sign, sample_weight, held_out_weight)
    return ClusterSums(X, columns, activation)


@by_parts.register
def _(X: ClusterTable, task: Callable[..., T], *columns: Vector) -> list[T]:
    return X.done_on_parts(task, *columns)
