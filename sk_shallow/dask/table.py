"""A table in partitions on the workers of a cluster, and how it is summed up there.

All that is sent is part of a task. So when a worker dies, the scheduler can make again
what it held.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

import dask
import numpy as np
from distributed import Client, Future, as_completed
from numpy.typing import DTypeLike

from sk_shallow._core.block import Sums, added
from sk_shallow._core.parameters import Net, flatten
from sk_shallow._core.rows import Column, Run
from sk_shallow.dask import tasks

FAN_IN = 8  # sums that one worker, and at the end the client, adds up

T = TypeVar("T")


class ClusterTable:
    """X in partitions that stay on their workers: a `Table`.

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
        read = dask.delayed(tasks.read_partition)
        read_partitions = client.compute(
            [
                read(partition, number, name, n_features, self.dtype)
                for number, partition in enumerate(partitions)
            ]
        )
        counted = client.map(tasks.n_rows, read_partitions)
        self._kept += [*read_partitions, *counted]
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
        self.partitions = [read_partitions[number] for number in self._numbers]
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
        """Release all that was made on the cluster."""
        release(self._kept)
        self._kept.clear()

    def partition_of(self, row: int) -> int:
        """The number of the partition that a row is in."""
        partition = np.searchsorted(self._ends, row, side="right") - 1
        return int(self._numbers[partition])

    def map(self, function: Callable[..., T], *columns: Column) -> list[T]:
        return self.gathered(
            self.started(tasks.do, self.partitions, self._sent(columns), every=[function])
        )

    def loss_sums(
        self,
        sign: Column,
        sample_weight: Column,
        held_out_weight: Column | None,
        n_hidden: int,  # noqa: ARG002 (the net says it)
        run: Run,  # noqa: ARG002 (the workers run)
    ) -> "ClusterSums":
        """The columns become arrays beside their partitions, until `close`."""
        columns = self.started(
            tasks.unpack, self._sent([sign, sample_weight, held_out_weight])
        )
        self._kept += columns
        return ClusterSums(self, columns)

    def _sent(self, columns: Sequence[Column | None]) -> list[tuple[Any, ...]]:
        """For each partition, its part of the columns, ready to travel."""
        limits = list(pairwise(self._ends))
        packed = [
            [
                None if column is None else tasks.Packed.of(column[start:end])
                for start, end in limits
            ]
            for column in columns
        ]
        return [tuple(of_all[k] for of_all in packed) for k in range(len(limits))]

    def started(
        self, task: Callable[..., Any], *of_each: Sequence[Any], every: Sequence[Any] = ()
    ) -> list[Future]:
        """Start a task for each partition.

        Its arguments are its own of each sequence in `of_each`, then those in `every`.
        """
        of_all = ([thing] * len(of_each[0]) for thing in every)
        return self.client.map(task, *of_each, *of_all, pure=False)

    def gathered(self, futures: list[Future]) -> list[Any]:
        """The results of futures, which are forgotten, also if one fails."""
        try:
            return self.client.gather(futures)
        finally:
            release(futures)


def release(futures: Sequence[Future]) -> None:
    for future in futures:
        future.release()


class ClusterSums:
    """Sums over the rows of a table on a cluster."""

    def __init__(self, table: ClusterTable, columns: list[Future]) -> None:
        self._table = table
        self._columns = columns

    def sums(self, net: Net) -> Sums:
        """Added in a tree.

        It follows from the number of partitions, so the bits do not depend on the workers.
        """
        sums = self._of_partitions(tasks.partition_sums, net)
        while len(sums) > FAN_IN:
            sums = self._added_in_groups(sums)
        parts: list[Sums] = self._table.gathered(sums)
        return reduce(added, parts)

    def _added_in_groups(self, sums: list[Future]) -> list[Future]:
        # In a frame of its own: what holds on to futures must not outlive an error.
        groups = [sums[first : first + FAN_IN] for first in range(0, len(sums), FAN_IN)]
        return self._table.started(tasks.added_in_order, groups)

    def loss(self, net: Net) -> float:
        losses = self._of_partitions(tasks.partition_loss, net)
        return float(sum(self._table.gathered(losses)))

    def _of_partitions(self, task: Callable[..., Any], net: Net) -> list[Future]:
        # Sent once, as a task that any worker can do again; the others get it from there.
        received = self._table.client.submit(
            tasks.received,
            flatten(net),
            net.n_features,
            net.activation,
            self._table.dtype,
            pure=False,
        )
        columns = self._table.partitions, self._columns
        return self._table.started(task, *columns, every=[received])
