"""BLAS limited to one thread while we run.

On products as thin as ours, the threads of BLAS cost more than they bring.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from itertools import product
from threading import Lock, RLock, get_ident
from typing import Any, ParamSpec, TypeVar

import numpy as np
import threadpoolctl
from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")

MOST_TRIES = 10  # to restore the limits, while exceptions keep coming from outside


@dataclass(frozen=True, eq=False)  # by identity
class Library:
    """A BLAS library in the process."""

    get_limit: Callable[[], int]
    set_limit: Callable[[int], Any]
    is_per_thread: bool  # whether each thread has a limit of its own


@cache
def blas_libraries() -> Any:
    """The BLAS libraries that are loaded, NumPy's and SciPy's included; a slow search."""
    return ThreadpoolController().select(user_api="blas")


@cache
def read_library(controller: Any) -> Library:
    """The functions behind a controller of threadpoolctl.

    From threadpoolctl 3.8 on, the controller of OpenBLAS obeys one thread only: the first
    that set a limit, for as long as it lives or until it gives that up. Another thread's
    control is not ours to take, so we call the function of the library itself.
    """
    layer = getattr(controller, "threading_layer", None)
    has_control = hasattr(controller, "clear_controlling_thread")
    set_limit = controller.set_num_threads
    if has_control and layer != "openmp":
        for prefix, suffix in product(("", "scipy_"), ("", "64_", "_64")):
            name = f"{prefix}openblas_set_num_threads{suffix}"
            set_limit = getattr(controller.dynlib, name, set_limit)
    is_per_thread = controller.internal_api == "mkl" or (has_control and layer == "openmp")
    return Library(controller.get_num_threads, set_limit, is_per_thread)


def is_limited_here() -> bool:
    """Whether this thread is in a block of `threadpool_limits`, as far as can be known."""
    ownership = getattr(threadpoolctl, "CONTROLLING_THREAD_OWNERSHIP", None)  # from 3.8 on
    return getattr(ownership, "count", 0) > 0


class Call:
    """A call that needs BLAS on one thread."""

    def __init__(self) -> None:
        self.thread = get_ident()
        self.running = Lock()  # held while it runs
        self.n_allowed = 1  # threads for its blocks of rows
        self.is_over = False


class BlasLimit:
    """The limit on BLAS, one for all calls in the process.

    The first call to enter lowers it, the last one to leave restores it. An exception may
    come from outside (Ctrl-C, a time-out) wherever a function begins or has returned, and
    several may. So what there was is noted before it is changed; that a call runs is a
    lock of Python's own, which is released whatever comes; and restoring, which is
    right at any time, is tried until it is done.

    A limit that other code sets while we are inside stays. Two cases can't be had,
    as a block of `threadpool_limits` in another thread knows nothing of us: if it begins
    while we are inside and ends later, it brings back the one thread that it found (as
    two such blocks do to each other); and if it had raised a limit of one, and
    ends while we are inside, we take that for our own limit, and raise it again.
    """

    def __init__(self) -> None:
        self.lock = RLock()  # a handler of signals may predict, too
        self.calls: list[Call] = []  # that run now
        # By library, and thread if each has its own.
        self.originals: dict[tuple[Library, int], int] = {}

    def here(self) -> Call | None:
        """The innermost call of this thread."""
        mine = [call for call in self.calls if call.thread == get_ident()]
        return mine[-1] if mine else None

    def enter(self, call: Call) -> None:
        blas_libraries()  # which takes time, without the lock
        self._alone(self._enter, call)

    def leave(self, call: Call, tries: int = MOST_TRIES) -> None:
        """Restore the limits, if no other call is inside."""
        if call.is_over:
            return
        try:
            self._alone(self._leave, call)
        finally:
            if not call.is_over and tries > 1:
                self.leave(call, tries - 1)

    def after_fork(self) -> None:
        """Reset after a fork: in the child, the threads that were inside do not exist."""
        self.lock = RLock()
        self.calls = []
        self._restore()

    def _alone(self, action: Callable[[Call], None], call: Call) -> None:
        # On one line, so that not even a debugger's exception leaves the lock held.
        with self.lock: action(call)  # fmt: skip  # noqa: E701

    def _enter(self, call: Call) -> None:
        self._drop_ended()
        outer = self.here()
        self.calls.append(call)
        controllers = blas_libraries().lib_controllers
        allowed = [self._lower(read_library(one), outer) for one in controllers]
        # A BLAS that we do not know cannot be limited: no threads beside its own.
        call.n_allowed = min(allowed, default=1)

    def _lower(self, library: Library, outer: Call | None) -> int:
        """Limit BLAS to one thread; return how many threads the caller may use."""
        scope = (library, get_ident() if library.is_per_thread else 0)
        now = library.get_limit()
        original = self.originals.get(scope, now)
        # More than before: a limit of other code has ended.
        self.originals[scope] = max(original, now)
        if now != 1:
            library.set_limit(1)
            return now
        if outer is not None:
            return outer.n_allowed
        return 1 if is_limited_here() else original

    def _leave(self, call: Call) -> None:
        if call.running.locked():
            call.running.release()
        self._drop_ended()
        self._restore()
        call.is_over = True

    def _drop_ended(self) -> None:
        self.calls = [call for call in self.calls if call.running.locked()]

    def _restore(self) -> None:
        """Restore the limits of libraries that no call needs any more."""
        inside = {call.thread for call in self.calls}
        for scope, original in list(self.originals.items()):
            library, thread = scope
            if (thread in inside) if thread else inside:
                continue
            if thread and thread != get_ident():  # for that thread to restore
                continue
            if library.get_limit() == 1 != original:
                library.set_limit(original)
            self.originals.pop(scope, None)


LIMIT = BlasLimit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LIMIT.after_fork)


def on_one_blas_thread(method: Callable[P, R]) -> Callable[P, R]:
    """BLAS has one thread inside, and what it had before when all have left.

    Underflow is no error inside, either, as in `ignoring_underflow`.
    """

    @wraps(method)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        call, handling = Call(), np.geterr()
        # An exception from outside may come instead of `restore`, and another one then.
        try:
            try:
                try:
                    with call.running:
                        LIMIT.enter(call)
                        np.seterr(under="ignore")
                        return method(*args, **kwargs)
                finally:
                    restore(call, handling)
            finally:
                restore(call, handling)
        finally:
            restore(call, handling)

    return limited


def restore(call: Call, handling: Any) -> None:
    """Restore the limits of BLAS, and how NumPy handles floating-point errors."""
    LIMIT.leave(call)
    np.seterr(**handling)


def ignoring_underflow(method: Callable[P, R]) -> Callable[P, R]:
    """Underflow, to 0 or next to it, is no error inside, whatever `numpy.seterr` says.

    How NumPy handles errors is as before afterwards, whatever exception comes: one from
    outside may come between `np.errstate` and what it protects.
    """

    @wraps(method)
    def computed(*args: P.args, **kwargs: P.kwargs) -> R:
        handling = np.geterr()
        # As above: one exception may come instead of `np.seterr`, and another one then.
        try:
            try:
                try:
                    np.seterr(under="ignore")
                    return method(*args, **kwargs)
                finally:
                    np.seterr(**handling)
            except BaseException:
                np.seterr(**handling)
                raise
        except BaseException:
            np.seterr(**handling)
            raise

    return computed
