"""What the command is given, and what it says when something is missing."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from sk_shallow.version import __version__

NEEDED = ("jinja2", "matplotlib", "pandas", "rich", "skrub")


def parser() -> argparse.ArgumentParser:
    """The arguments of ``sk-shallow``."""
    whole = argparse.ArgumentParser(
        prog="sk-shallow", description="Neural networks with one hidden layer."
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        help="is a small net worth it on your own table?",
        description="Compare LogisticRegression, ShallowNetClassifier and "
        "ShallowNetClassifierCV on the same folds of a table, and say what the net found "
        "that LogisticRegression misses. Words, dates and missing values are prepared by "
        "skrub's tabular_pipeline.",
    )
    compare.add_argument("file", type=Path, metavar="FILE", help="CSV, TSV or Parquet")
    compare.add_argument(
        "--target", required=True, metavar="COLUMN", help="the column to predict"
    )
    compare.add_argument(
        "--positive",
        metavar="LABEL",
        help="its value whose probability is predicted (default: the last of the two)",
    )
    compare.add_argument(
        "--drop",
        nargs="+",
        action="extend",
        default=[],
        metavar="COL",
        help="columns to leave out",
    )
    compare.add_argument(
        "--cv", type=whole_number(2), default=5, metavar="K", help="folds (default: 5)"
    )
    compare.add_argument(
        "--html", type=Path, metavar="REPORT.html", help="write a page with pictures"
    )
    compare.add_argument(
        "--sample",
        type=whole_number(2),
        metavar="N",
        help="take N rows, by chance, with the classes as they are",
    )
    compare.add_argument(
        "--random-state",
        type=whole_number(0),
        default=0,
        metavar="SEED",
        help="of the sample, the folds and the nets (default: 0)",
    )
    compare.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="folds side by side (default: one after the other)",
    )
    return whole


def whole_number(least: int) -> Callable[[str], int]:
    """A converter of words to integers that are not under `least`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            message = f"must be a whole number from {least} on, got {text!r}"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return convert


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        What follows the name of the command; None takes those of the process.

    Returns
    -------
    status : int
        0, or 1 after a message on stderr, or 130 if it was interrupted.
    """
    given = parser().parse_args(arguments)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        return failed(f"{', '.join(missing)} missing: pip install 'sk-shallow[cli]'.")
    from sk_shallow.cli.comparing import compare
    from sk_shallow.cli.tables import CommandError

    try:
        compare(given)
    except CommandError as error:
        return failed(str(error))
    except KeyboardInterrupt:
        failed("interrupted.")
        return 130
    except BrokenPipeError:  # whoever read what is printed, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def failed(message: str) -> int:
    print(f"sk-shallow: {message}", file=sys.stderr)
    return 1
