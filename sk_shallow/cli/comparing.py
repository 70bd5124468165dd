"""The command `compare`: read, compare by folds, look into the net, print, write a page."""

import os
import shlex
import warnings
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from skrub import tabular_pipeline

from sk_shallow._core.activations import Vector
from sk_shallow.classifier import ShallowNetClassifier
from sk_shallow.cli.findings import Findings, better
from sk_shallow.cli.page import page_of
from sk_shallow.cli.suspects import cautions_on
from sk_shallow.cli.tables import CommandError, LabelledTable, check_class_sizes, load
from sk_shallow.cross_validation import ShallowNetClassifierCV
from sk_shallow.inspection.comparison import LogisticRegressionComparison, carry_out
from sk_shallow.inspection.effects import inspect_effects
from sk_shallow.inspection.effects_report import EffectsReport
from sk_shallow.inspection.plans import plan_comparison


def compare(given: Namespace) -> None:
    """Do what the arguments say.

    Raises
    ------
    CommandError
        If something in them, or in the file, has to be changed.
    """
    check_page(given.html, given.file)
    table = load(given.file, given.target, given.positive, given.drop)
    table = table.sampled(given.sample, given.random_state)
    check_class_sizes(table, given.cv)
    cautions = cautions_on(table)
    lines = [table.title, *table.notes, *(f"Caution: {text}" for text in cautions)]
    print(*lines, "", sep="\n", flush=True)
    with progress() as bar, collected_messages() as messages:
        comparisons = [
            compared(model, table, given, bar)
            for model in (ShallowNetClassifier, ShallowNetClassifierCV)
        ]
        best = better(comparisons)
        net, effects = looked_into(best.estimators["net"][0], table, bar)
        with_terms = losses_with_terms(net, effects.recipe, table, given)
    found = Findings(table, cautions, comparisons, net, effects, with_terms, messages)
    if given.html:
        page = page_of(found, command_of(given))
        given.html.write_text(page, encoding="utf-8")
    print(found.text)
    if given.html:
        print(f"\nThe page: {given.html}")


def check_page(page: Path | None, file: Path) -> None:
    """The page can be written, and is not the table."""
    if page is None:
        return
    if page.exists() and file.exists() and page.samefile(file):
        raise CommandError(f"--html {page} is the table itself. Name another file.")
    if page.is_dir() or not os.access(page.parent, os.W_OK):
        raise CommandError(f"--html {page} must be a file in a folder you can write to.")


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on stderr, gone when all is done."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


@contextmanager
def collected_messages() -> Iterator[list[str]]:
    """The warnings within, each once with how often it came."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    texts = Counter(f"{one.category.__name__}: {one.message}" for one in caught)
    messages += [f"{text} ({n} times)" if n > 1 else text for text, n in texts.items()]


def compared(
    model: type[ShallowNetClassifier] | type[ShallowNetClassifierCV],
    table: LabelledTable,
    given: Namespace,
    bar: Progress,
) -> LogisticRegressionComparison:
    """The net beside its LogisticRegression, both behind skrub's preparation."""
    net = tabular(model(random_state=given.random_state))
    plan = plan_comparison(net, table.X, table.labels, cv=folds_of(given))
    task = bar.add_task(f"{model.__name__}: folds", total=len(plan.splits))
    return carry_out(plan, n_jobs=given.n_jobs, on_fold=lambda *_: bar.advance(task))


def tabular(net: ShallowNetClassifier | ShallowNetClassifierCV) -> Any:
    """The net behind skrub's preparation, knowing the names of its columns."""
    return tabular_pipeline(net).set_output(transform="pandas")


def looked_into(net: Any, table: LabelledTable, bar: Progress) -> tuple[Any, EffectsReport]:
    """The net fitted to all rows, and what it does beside a LogisticRegression."""
    task = bar.add_task(f"{type(net[-1]).__name__}: effects", total=2)
    net = clone(net).fit(table.X, table.y)
    bar.advance(task)
    X = net[:-1].transform(table.X)
    line = LogisticRegression(max_iter=1000).fit(X, table.y)
    return net, inspect_effects(net, table.X, line=line)


def losses_with_terms(
    net: Any, recipe: str, table: LabelledTable, given: Namespace
) -> Vector | None:
    """Log-loss on the folds of LogisticRegression with the terms; None without any.

    NaN on a fold whose training rows lack a column of the terms, as that of a rare word.
    """
    if not recipe:
        return None
    names: dict[str, Any] = {}
    exec(recipe, names)
    line = make_pipeline(clone(net[:-1]), names["line"])
    folds = folds_of(given)
    scores = cross_val_score(line, table.X, table.y, cv=folds, scoring="neg_log_loss")
    losses: Vector = -scores
    return losses


def folds_of(given: Namespace) -> StratifiedKFold:
    """Those of the comparisons."""
    return StratifiedKFold(given.cv, shuffle=True, random_state=given.random_state)


def command_of(given: Namespace) -> str:
    """The command that gives the same numbers."""
    words = ["sk-shallow", "compare", str(given.file), "--target", given.target]
    if given.positive is not None:
        words += ["--positive", given.positive]
    if given.drop:
        words += ["--drop", *given.drop]
    words += ["--cv", given.cv, "--random-state", given.random_state]
    if given.sample is not None:
        words += ["--sample", given.sample]
    return shlex.join(map(str, words))
