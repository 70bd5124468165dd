"""A table in parts on the workers of a cluster, and how it is summed up there.

All that is sent is part of a task, so whatever a worker held when it died, the scheduler
knows how to make again.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

import dask
import numpy as np
from distributed import Client, Future, as_completed
from numpy.typing import DTypeLike

from sk_shallow._core.activations import Activation
from sk_shallow._core.objective import RowSums, Sums, added, row_sums
from sk_shallow._core.parameters import Parameters, flatten
from sk_shallow._core.rows import Column, Run, by_parts
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
    name : str
        What errors call it.

    Raises
    ------
    ValueError
        If a partition is no finite table of that many columns; with its number.
    """

    def __init__(
        self,
        client: Client,
        partitions: Sequence[Any],
        dtype: DTypeLike,
        example: Any,
        name: str,
    ) -> None:
        n_features = example.shape[1]
        self.client = client
        self.name = name
        self.example = example
        self.dtype = np.dtype(dtype)
        self._kept: list[Future] = []  # until `close`
        read = dask.delayed(tasks.read_part)
        parts = client.compute(
            [
                read(partition, number, name, n_features, self.dtype)
                for number, partition in enumerate(partitions)
            ]
        )
        counted = client.map(tasks.n_rows, parts)
        self._kept += [*parts, *counted]
        try:
            with client.as_current():  # or it would ask the default client
                # The first error, without waiting for the others.
                length_of = dict(as_completed(counted, with_results=True))
        except BaseException:
            self.close()
            raise
        release(counted)
        lengths = [length_of[count] for count in counted]
        self._numbers = np.flatnonzero(lengths)  # of the partitions that have rows
        self.parts = [parts[number] for number in self._numbers]
        self._ends = np.cumsum([0, *(lengths[number] for number in self._numbers)])
        self.shape = (int(self._ends[-1]), n_features)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: the table may be larger than memory.

        Raises
        ------
        TypeError
            Always; callbacks that look at X end here.
        """
        raise TypeError(
            "These rows lie on a Dask cluster, where callbacks cannot look at them: leave "
            "out callbacks that do, or give them to a ShallowNetClassifier, with rows that "
            "fit into memory."
        )

    def close(self) -> None:
        """Let the cluster forget all that was made here."""
        release(self._kept)
        self._kept.clear()

    def partition_of(self, row: int) -> int:
        """The number of the partition that a row is in."""
        part = np.searchsorted(self._ends, row, side="right") - 1
        return int(self._numbers[part])

    def stretches(self, column: Column) -> list[tasks.Packed]:
        """The stretch of a column that belongs to each part."""
        return [tasks.Packed.of(column[start:end]) for start, end in pairwise(self._ends)]

    def sent(self, columns: Sequence[Column | None]) -> list[tuple[Any, ...]]:
        """For each part, its stretches of the columns, ready to travel."""
        packed = [
            [None] * len(self.parts) if column is None else self.stretches(column)
            for column in columns
        ]
        return [tuple(of_parts[k] for of_parts in packed) for k in range(len(self.parts))]

    def keep_columns(self, *columns: Column | None) -> list[Future]:
        """Columns as arrays beside their parts, until `close`."""
        futures = self.started(tasks.unpack, self.sent(columns))
        self._kept += futures
        return futures

    def done_on_parts(self, task: Callable[..., T], *columns: Column) -> list[T]:
        return self.gathered(
            self.started(tasks.do, self.parts, self.sent(columns), every=[task])
        )

    def started(
        self, task: Callable[..., Any], *of_each: Sequence[Any], every: Sequence[Any] = ()
    ) -> list[Future]:
        """A task for each part: what it gets of its own, and what every one gets."""
        of_all = ([thing] * len(of_each[0]) for thing in every)
        futures: list[Future] = self.client.map(task, *of_each, *of_all, pure=False)
        return futures

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
        """Added in a tree.

        It follows from the number of parts, so the bits do not depend on the workers.
        """
        sums = self._of_parts(tasks.part_sums, parameters)
        while len(sums) > FAN_IN:
            sums = self._added_in_groups(sums)
        parts: list[Sums] = self._table.gathered(sums)
        return reduce(added, parts)

    def _added_in_groups(self, sums: list[Future]) -> list[Future]:
        # In a frame of its own: what holds on to futures must not outlive an error.
        groups = [sums[first : first + FAN_IN] for first in range(0, len(sums), FAN_IN)]
        return self._table.started(tasks.added_in_order, groups)

    def loss(self, parameters: Parameters) -> float:
        losses = self._of_parts(tasks.part_loss, parameters)
        return float(sum(self._table.gathered(losses)))

    def _of_parts(self, task: Callable[..., Any], parameters: Parameters) -> list[Future]:
        # Sent once, as a task that any worker can do again; the others get it from there.
        n_features, dtype = self._table.shape[1], self._table.dtype
        theta = self._table.client.submit(
            tasks.received, flatten(parameters), n_features, dtype, pure=False
        )
        every = [self._activation, theta]
        return self._table.started(task, self._table.parts, self._columns, every=every)


@row_sums.register
def _(
    X: ClusterTable,
    sign: Column,
    sample_weight: Column,
    held_out_weight: Column | None,
    *,
    activation: Activation,
    n_hidden: int,  # noqa: ARG001 (the parameters tell)
    run: Run,  # noqa: ARG001 (the cluster runs)
) -> RowSums:
    columns = X.keep_columns(sign, sample_weight, held_out_weight)
    return ClusterSums(X, columns, activation)


@by_parts.register
def _(X: ClusterTable, task: Callable[..., T], *columns: Column) -> list[T]:
    return X.done_on_parts(task, *columns)
