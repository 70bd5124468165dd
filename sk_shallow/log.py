"""What `verbose` prints while a net trains."""

import time

from sk_shallow._core.parameters import Vector


def log_chunk(n_rows: int, n_rows_so_far: int, loss_curve: Vector) -> None:
    """Print the one line of a call of `partial_fit`."""
    before, after = loss_curve[0], loss_curve[-1]
    print(
        f"partial_fit: {n_rows} rows ({n_rows_so_far} of weight > 0 so far), "
        f"J on them {before:.6f} -> {after:.6f}"
    )


class Log:
    """One aligned line per iteration on standard output, thinned out as they pass.

    Every iteration up to 10 is printed, every 10th up to 100, every 100th after; and the
    last one. `name`, if any, is put before each line, to tell restarts apart.
    """

    def __init__(self, *, held_out: bool, name: str = "") -> None:
        self.start = time.perf_counter()
        self.unprinted = ""
        self.prefix = f"{name}: " if name else ""
        held = f"{'held-out loss':>15}" if held_out else ""
        self.print(f"{'iteration':>9}{'J':>13}{held}{'max |gradient|':>16}{'seconds':>10}")

    def line(
        self,
        iteration: int,
        loss: float,
        held_out: list[float],
        max_gradient: float,
    ) -> None:
        held_out_loss = "".join(f"{value:15.6f}" for value in held_out[-1:])
        line = (
            f"{iteration:9d}{loss:13.6f}{held_out_loss}{max_gradient:16.2e}"
            f"{time.perf_counter() - self.start:10.2f}"
        )
        every = 1 if iteration <= 10 else 10 if iteration <= 100 else 100
        self.unprinted = line if iteration % every else ""
        if not self.unprinted:
            self.print(line)

    def end(self, reason: str) -> None:
        if self.unprinted:
            self.print(self.unprinted)
        self.print(f"Stopped: {reason}.")

    def print(self, line: str) -> None:
        print(f"{self.prefix}{line}\n", end="")  # at once: other threads print, too
