"""What README and the guide show runs as it stands, and prints what they say."""

import inspect
import re
import shlex
import tempfile
import tomllib
import warnings
from contextlib import chdir, redirect_stdout
from functools import cache
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import get_args

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.neural_network import MLPClassifier

import sk_shallow.inspection
from sk_shallow import (
    CollapseWarning,
    InitializationWarning,
    ShallowNetClassifier,
    SymmetryWarning,
)
from sk_shallow.cli import main
from sk_shallow.training.monitor import StopReason

mpl.use("Agg")  # the pages draw, and there is no screen
ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def fenced(page, languages):
    """The language of each block and its text, which is indented in a list."""
    pattern = rf"^( *)```({languages})\n(.*?)^\1```$"
    found = re.findall(pattern, page.read_text("utf-8"), re.S | re.M)
    return [(name, re.sub(f"^{gap}", "", text, flags=re.M)) for gap, name, text in found]


def blocks(page, language):
    return [text for _, text in fenced(page, language)]


def run_commands(block):
    """Run the lines that start with our own command."""
    for line in block.splitlines():
        if line.startswith("sk-shallow "):
            assert main(shlex.split(line)[1:]) == 0


@cache
def run(page):
    """What the Python blocks and our commands on a page print, and their warnings."""
    names = {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        chdir(folder),
        warnings.catch_warnings(record=True) as caught,
        redirect_stdout(StringIO()) as out,
    ):
        warnings.simplefilter("always")
        for language, block in fenced(page, "python|sh"):
            if language == "sh":
                run_commands(block)
            else:
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
    categories = SymmetryWarning | CollapseWarning
    bad_starts = [w for w in caught if issubclass(w.category, categories)]
    assert {w.category for w in bad_starts} == {SymmetryWarning, CollapseWarning}
    for warning in bad_starts:
        # How far rounding lets constant logits vary differs between machines.
        message = re.sub(r"vary by \S+", "vary by …", str(warning.message))
        assert f"{warning.category.__name__}: {message}" in re.sub(
            r"vary by \S+", "vary by …", shown
        )


def test_the_guide_to_initialisation_shows_what_is_printed():
    page = ROOT / "docs" / "initialisation.md"
    printed, _ = run(page)
    assert "".join(blocks(page, "text")) == printed


def as_if_rounded(text):
    """The words of a text, and its numbers, but for times at the end of a line."""
    number = r"-?\d+\.?\d*"
    text = re.sub(r" +[\d.]+ m?s$", "", text, flags=re.M)
    return re.sub(number, "0", text).split(), [float(n) for n in re.findall(number, text)]


def without_gaps(shown, printed):
    """Both, without the printed lines for which a line of three dots stands."""
    lines, kept, is_gap = iter(printed.splitlines()), [], False
    for line in shown.splitlines():
        if line == "...":
            is_gap = True
            continue
        one = next(lines, "")
        while is_gap and as_if_rounded(one)[0] != as_if_rounded(line)[0]:
            one = next(lines)
        kept.append(one)
        is_gap = False
    return shown.replace("\n...\n", "\n"), "\n".join([*kept, *lines])


@pytest.mark.parametrize(
    "page",
    [
        "index",
        "getting_started",
        "is_a_net_worth_it",
        "explaining",
        "choosing",
        "from_mlpclassifier",
        "persistence",
        "scaling",
    ],
)
def test_a_page_shows_what_is_printed(page):
    page = ROOT / "docs" / f"{page}.md"
    preparation = re.search(r"output is that of skrub (\d+\.\d+)", page.read_text("utf-8"))
    if preparation and not version("skrub").startswith(f"{preparation[1]}."):
        pytest.skip("skrub prepares the columns in another way")
    texts = without_gaps("".join(blocks(page, "text")), run(page)[0])
    (shown_words, shown), (printed_words, printed) = map(as_if_rounded, texts)
    assert shown_words == printed_words
    # The last digit shown, and the sign of a difference next to 0, are the machine's.
    np.testing.assert_allclose(printed, shown, rtol=0.05, atol=1.01)
    decimals = [(a, b) for a, b in zip(printed, shown, strict=True) if b % 1]
    np.testing.assert_allclose(*np.transpose(decimals or [(0, 0)]), rtol=0.05, atol=0.0105)


@pytest.mark.parametrize(
    ("column", "model"), [(0, MLPClassifier()), (1, ShallowNetClassifier())]
)
def test_every_parameter_of_both_is_in_the_table_with_its_default(column, model):
    page = (ROOT / "docs" / "from_mlpclassifier.md").read_text("utf-8")
    table = page.partition("With their defaults:")[2].partition("`fit` takes")[0]
    cells = [row.split(" | ")[column] for row in re.findall(r"^\| (.*) \|$", table, re.M)]
    shown = set(re.findall(r"`(\w+=[^`]*)`", " ".join(cells)))
    defaults = {
        name: f'"{v}"' if isinstance(v, str) else v
        for name, v in model.get_params().items()
    }
    assert shown == {f"{name}={value}" for name, value in defaults.items()}


def test_weights_of_nnet_are_read_in_its_order():
    names = {}
    for block in blocks(ROOT / "docs" / "from_nnet.md", "python"):
        exec(block, names)
    # 2 inputs, 3 hidden units: b->h1 i1->h1 i2->h1 b->h2 ... b->o h1->o h2->o h3->o
    W1, b1, w2, b2 = names["from_nnet"](np.arange(13), n_features=2, size=3)
    np.testing.assert_array_equal(W1, [[1, 4, 7], [2, 5, 8]])
    np.testing.assert_array_equal(b1, [0, 3, 6])
    np.testing.assert_array_equal(w2, [10, 11, 12])
    np.testing.assert_array_equal(b2, [9])


def test_the_site_lists_every_page():
    listed = re.findall(r"^(\w+)$", (ROOT / "docs" / "guide.md").read_text("utf-8"), re.M)
    listed += re.findall(r"^(\w+)$", (ROOT / "docs" / "index.md").read_text("utf-8"), re.M)
    pages = {path.stem for path in ROOT.glob("docs/*.md")} | {"reference"}
    assert set(listed) == pages - {"index"}


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {sk_shallow.__version__}\n" in citation
    assert f"\n## {sk_shallow.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_oldest_versions_are_in_the_table_of_versions():
    table = (ROOT / "docs" / "versions.md").read_text("utf-8")
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = {
        requirement.split(">=")[0]: requirement.split(">=")[1]
        for requirement in pyproject["dependencies"]
    }
    first = re.findall(r"^\| 3.*\(oldest\).*$", table, re.M)
    assert len(first) == 1
    for package in ("numpy", "scipy", "scikit-learn"):
        assert f" {oldest[package]}." in first[0]


def test_the_diagram_in_a_notebook_leads_to_the_reference():
    page = "api/sk_shallow.ShallowNetClassifier.html"
    assert page in ShallowNetClassifier()._repr_html_()
    reference = (ROOT / "docs" / "reference.rst").read_text("utf-8")
    assert re.search(r":toctree: api\n.*\n\n   ShallowNetClassifier\n", reference)

    class Mine(ShallowNetClassifier):
        pass

    assert page not in Mine()._repr_html_()


def test_the_reference_lists_what_estimators_inherit():
    reference = (ROOT / "docs" / "reference.rst").read_text("utf-8")
    for name in (
        "ShallowNetClassifier",
        "ShallowNetClassifierCV",
        "DaskShallowNetClassifier",
    ):
        assert f":template: estimator.rst\n\n   {name}\n" in reference
    template = (ROOT / "docs" / "_templates" / "estimator.rst").read_text("utf-8")
    assert ":inherited-members:" in template
    assert re.findall(r":exclude-members: (.*)", template) == ["onnx_parser"]


def test_every_test_that_the_guide_names_is_there():
    named = re.findall(
        r"`(test_\w+)`", (ROOT / "docs" / "initialisation.md").read_text("utf-8")
    )
    tests = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/test_*.py"))
    assert len(named) > 12
    for test in named:
        assert f"def {test}(" in tests


def test_every_picture_of_the_gallery_is_drawn_by_an_example():
    drawn = {
        picture
        for example in ROOT.glob("examples/*.py")
        for picture in re.findall(r'"(\w+\.png)"', example.read_text("utf-8"))
    }
    drawn.add("accuracy.png")  # by benchmarks/accuracy.py
    assert drawn == {path.name for path in ROOT.glob("docs/images/*.png")}


def public_callables():
    for module in (sk_shallow, sk_shallow.inspection):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield name, thing
            elif inspect.isclass(thing) and not issubclass(thing, Exception):
                yield name, thing
                for method, function in vars(thing).items():
                    function = getattr(function, "__func__", function)  # of a class method
                    documented = "Parameters\n" in (
                        getattr(function, "__doc__", None) or ""
                    )
                    if not method.startswith("_") and documented and callable(function):
                        yield f"{name}.{method}", getattr(thing, method)


PUBLIC = dict(public_callables())


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_documented_in_the_order_of_the_signature(name):
    public = PUBLIC[name]
    # A record documents its fields as attributes.
    heading, section = re.search(
        r"^(Parameters|Attributes)\n-+\n(.*?)(?=^\w[ \w]*\n---|\Z)",
        inspect.getdoc(public),
        re.S | re.M,
    ).groups()
    documented = ", ".join(re.findall(r"^\**(\w[\w, ]*) : ", section, re.M)).split(", ")
    taken = [name for name in inspect.signature(public).parameters if name != "self"]
    assert documented[: len(taken) if heading == "Attributes" else None] == taken


def test_every_reason_to_stop_is_in_the_guide_and_in_the_reference():
    reasons = {f'"{reason}"' for reason in get_args(StopReason)}
    table = (
        (ROOT / "docs" / "training.md").read_text("utf-8").partition("Why it stopped")[2]
    )
    assert reasons == set(re.findall(r'^\| ("\w+") \|', table, re.M))
    entry = ShallowNetClassifier.__doc__.partition("stop_reason_ : str")[2]
    entry = entry.partition("n_samples_seen_")[0]
    assert reasons == set(re.findall(r'"\w+"', entry))


def test_readme_has_its_three_commands():
    first, second, third = blocks(ROOT / "README.md", "sh")
    assert "examples/compare_with_logistic_regression.py" in first
    assert "-m pytest" in second
    assert "-m sphinx" in third


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
