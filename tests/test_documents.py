"""What README and the guide show runs as it stands, and prints what they say."""

import re
import tempfile
import warnings
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import get_args

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from sk_shallow import (
    CollapseWarning,
    InitializationWarning,
    ShallowNetClassifier,
    SymmetryWarning,
)
from sk_shallow.training import StopReason

mpl.use("Agg")  # the pages draw, and there is no screen
ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    fenced = rf"^( *)```{language}\n(.*?)^\1```$"  # indented in a list
    found = re.findall(fenced, page.read_text("utf-8"), re.S | re.M)
    return [re.sub(f"^{indent}", "", text, flags=re.M) for indent, text in found]


def run(page):
    """What the Python blocks of a page print, and the warnings they cause."""
    names = {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chdir(folder),
        warnings.catch_warnings(record=True) as caught,
        redirect_stdout(StringIO()) as out,
    ):
        warnings.simplefilter("always")
        for block in blocks(page, "python"):
            exec(compile(block, page.name, "exec"), names)
    plt.close("all")
    return out.getvalue(), caught


def one_line(text):
    return " ".join(text.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page):
    _, caught = run(page)
    unexpected = [w for w in caught if not issubclass(w.category, InitializationWarning)]
    assert not unexpected


@pytest.mark.parametrize("page", ["README.md", "docs/inspection.md"])
def test_a_report_is_shown_as_it_is_printed(page):
    printed, _ = run(ROOT / page)
    (shown,) = (text for text in blocks(ROOT / page, "text") if "Hidden layer" in text)
    for line in shown.splitlines():
        if not line.startswith("mean of Z1"):  # rounding
            assert line in printed.splitlines()


def test_readme_shows_what_is_printed():
    printed, caught = run(ROOT / "README.md")
    shown = one_line(" ".join(blocks(ROOT / "README.md", "text")))
    assert one_line(printed.splitlines()[0]) in shown
    told = [w for w in caught if issubclass(w.category, SymmetryWarning | CollapseWarning)]
    assert {w.category for w in told} == {SymmetryWarning, CollapseWarning}
    for warning in told:
        # How far rounding lets constant logits vary differs between machines.
        message = re.sub(r"vary by \S+", "vary by …", str(warning.message))
        assert f"{warning.category.__name__}: {message}" in re.sub(
            r"vary by \S+", "vary by …", shown
        )


def test_the_guide_to_initialisation_shows_what_is_printed():
    page = ROOT / "docs" / "initialisation.md"
    printed, _ = run(page)
    assert "".join(blocks(page, "text")) == printed


def test_every_test_that_the_guide_names_is_there():
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "initialisation.md").read_text())
    tests = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/test_*.py"))
    assert len(named) > 12
    for test in named:
        assert f"def {test}(" in tests


def test_every_picture_of_the_gallery_is_drawn_by_an_example():
    drawn = {
        re.search(r'"(\w+\.png)"', example.read_text("utf-8"))[1]
        for example in ROOT.glob("examples/*.py")
    }
    assert drawn == {path.name for path in ROOT.glob("docs/images/*.png")}


def test_every_reason_to_stop_is_in_the_guide_and_in_the_reference():
    reasons = {f'"{reason}"' for reason in get_args(StopReason)}
    table = (
        (ROOT / "docs" / "training.md").read_text("utf-8").partition("Why it stopped")[2]
    )
    assert reasons == set(re.findall(r'^\| ("\w+") \|', table, re.M))
    entry = ShallowNetClassifier.__doc__.partition("stop_reason_ : str")[2]
    entry = entry.partition("n_samples_seen_")[0]
    assert reasons == set(re.findall(r'"\w+"', entry))


def test_readme_has_its_two_commands():
    first, second = blocks(ROOT / "README.md", "sh")
    assert "examples/compare_with_logistic_regression.py" in first
    assert "-m pytest" in second


def as_anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name) if name else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.M)
            assert anchor in map(as_anchor, titles), target
