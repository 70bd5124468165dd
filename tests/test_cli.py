"""The command compares on a file of one's own, and says what to change if it cannot."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress
from sklearn.exceptions import FitFailedWarning

import sk_shallow
from sk_shallow import ShallowNetClassifier
from sk_shallow.cli import arguments, main
from sk_shallow.cli.comparing import looked_into, losses_with_terms, tabular
from sk_shallow.cli.suspects import auc, cautions_on, is_id
from sk_shallow.cli.tables import CommandError, check_class_sizes, load

CURVED = "age <b>"  # a name that HTML would take for its own


def customers(n_rows=240, seed=0):
    """Words, dates, missing values; whether someone left is a curve in the age."""
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 12, n_rows).round(1)
    logit = 2.5 * (np.abs(age - 45) / 12 - 0.8)
    frame = pd.DataFrame(
        {
            CURVED: age,
            "plan": rng.choice(["basic", "plus"], n_rows),
            "since": pd.Timestamp("2019-01-01")
            + pd.to_timedelta(rng.integers(0, 900, n_rows), "D"),
            "left": np.where(
                rng.random(n_rows) < 1 / (1 + np.exp(-2 * logit)), "yes", "no"
            ),
        }
    )
    frame["since"] = frame["since"].dt.strftime("%Y-%m-%d")
    frame.loc[rng.random(n_rows) < 0.1, "plan"] = None
    return frame


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    customers().to_csv("customers.csv", index=False)
    return tmp_path


def run(capsys, *words):
    status = main(["compare", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def refusal(capsys, *words):
    """What the command says on stderr before it ends with 1, having printed nothing."""
    status, out, err = run(capsys, *words)
    assert (status, out) == (1, "")
    assert err.startswith("sk-shallow: ")
    assert err.count("\n") == 1
    return err


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_it_prints_tables_verdicts_and_effects_and_writes_the_page_alone(folder, capsys):
    status, out, _ = run(
        capsys, "customers.csv", "--target", "left", "--cv", 3, "--html", "page.html"
    )
    assert status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["customers.csv", "page.html"]
    for name in ("ShallowNetClassifier", "ShallowNetClassifierCV", "LogisticRegression"):
        assert re.search(rf"^{name} +\d\.\d{{3}} ± ", out, re.M)
    assert "The net lowers the log-loss by " in out
    assert f"- `{CURVED}` is curved" in out
    assert "With these terms, LogisticRegression has a log-loss of " in out
    before, after = (
        float(re.search(pattern, out)[1])
        for pattern in (r"(\d\.\d+) without", r"has a log-loss of (\d\.\d+)")
    )
    assert after < 0.8 * before

    page = Page((folder / "page.html").read_text("utf-8"))
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2 * 3 + 2 + 4
    for image in images:
        assert image["alt"]
        assert image["src"].startswith("data:image/png;base64,")
    assert not any("href" in a and a["href"] != "data:," for _, a in page.tags)
    assert not {"script", "b"} & {tag for tag, _ in page.tags}
    for text in ("The net lowers the log-loss by ", CURVED, "With these terms"):
        assert text in page.text
    assert "--target left --cv 3" in page.text


def test_the_same_command_gives_the_same_numbers_with_any_n_jobs(folder, capsys):
    def numbers(*more):
        words = ("--target", "left", "--cv", 2, "--sample", 100, "--drop", "plan", "since")
        _, out, _ = run(capsys, "customers.csv", *words, *more)
        return re.sub(r" +[\d.]+ m?s$| +fit time$", "", out, flags=re.M)

    first = numbers()
    assert numbers("--n-jobs", 2) == first
    assert numbers("--random-state", 1) != first


@pytest.mark.parametrize("form", ["csv", "tsv", "semicolons", "csv.gz", "parquet"])
def test_all_formats_hold_the_same_table(folder, form):
    frame = customers()
    path = folder / f"table.{form.replace('semicolons', 'csv')}"
    if form == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        sep, decimal = {"tsv": ("\t", "."), "semicolons": (";", ",")}.get(form, (",", "."))
        frame.to_csv(path, index=False, sep=sep, decimal=decimal, encoding="utf-8-sig")
    table = load(path, "left", None, [])
    assert table.positive == "yes"
    np.testing.assert_array_equal(table.y, frame["left"] == "yes")
    assert list(table.X) == [CURVED, "plan", "since"]
    np.testing.assert_array_equal(table.X[CURVED], frame[CURVED])
    np.testing.assert_array_equal(table.X["plan"].isna(), frame["plan"].isna())


def test_rows_without_a_target_and_columns_without_a_value_are_left_out(folder):
    frame = customers().assign(empty=np.nan)
    frame.loc[:9, "left"] = None
    frame.to_csv("missing.csv", index=False)
    table = load(folder / "missing.csv", "left", "no", ["plan"])
    assert len(table.y) == len(table.X) == 230
    assert list(table.X) == [CURVED, "since"]
    assert [note.partition(":")[0] for note in table.notes] == ["Left out", "Left out"]
    np.testing.assert_array_equal(table.y, frame["left"][10:] == "no")


def test_numbers_are_labels_as_they_are_written(folder):
    frame = customers()
    frame["left"] = frame["left"].map({"yes": 1, "no": 0})
    frame.loc[0, "left"] = None  # and now pandas reads 1.0
    frame.to_csv("numbers.csv", index=False)
    table = load(folder / "numbers.csv", "left", None, [])
    assert table.positive == "1"
    np.testing.assert_array_equal(table.y, frame["left"][1:] == 1)
    assert load(folder / "numbers.csv", "left", "0", []).y.sum() == (~table.y).sum()


def test_a_sample_is_seeded_and_keeps_the_classes(folder):
    table = load(folder / "customers.csv", "left", None, [])
    few = table.sampled(100, 0)
    assert len(few.y) == len(few.X) == 100
    assert few.y.mean() == pytest.approx(table.y.mean(), abs=0.01)
    pd.testing.assert_frame_equal(few.X, table.sampled(100, 0).X)
    assert not few.X.equals(table.sampled(100, 1).X)
    assert table.sampled(1000, 0) is table
    with pytest.raises(CommandError, match="--sample 1 would leave no row"):
        table.sampled(1, 0)


def broken(folder, name, text):
    path = folder / name
    path.write_bytes(text)
    return path


def test_errors_name_what_to_change(folder, capsys):
    customers(12).to_csv("few.csv", index=False)
    one = customers().assign(left="yes")
    one.to_csv("one.csv", index=False)
    customers()[["left"]].assign(nothing=None).to_csv("nothing.csv", index=False)
    broken(folder, "latin.csv", "größe,left\n1,yes\n2,no\n".encode("latin-1"))
    broken(folder, "empty.csv", b"")
    broken(folder, "ragged.csv", b"a,left\n1,yes\n1,2,3,4,5\n")
    broken(folder, "fake.parquet", b"not parquet")
    for words, said in {
        ("no.csv", "left"): "no.csv is not there",
        (".", "left"): "is a folder",
        ("customers.csv", "lft"): "no column 'lft'. Is it 'left'? Its columns: age",
        ("customers.csv", "plan", "--drop", "lef"): "no column 'lef'",
        ("customers.csv", "left", "--drop", "left"): "--drop left is the target",
        ("customers.csv", CURVED): "Give --positive VALUE to tell one of them",
        ("customers.csv", "left", "--positive", "maybe"): "no value of 'left': no, yes",
        ("one.csv", "left"): "has one value only, 'yes'",
        ("few.csv", "left"): "and 5 folds need 7 of each class",
        ("nothing.csv", "left"): "has no value in any column but 'left'",
        ("nothing.csv", "nothing"): "has no row with a value in 'nothing'",
        ("latin.csv", "left"): "is not UTF-8 text",
        ("empty.csv", "left"): "cannot be read as a table",
        ("ragged.csv", "left"): "cannot be read as a table",
        ("customers.csv", "left", "--sample", "5"): "rows",
        ("customers.csv", "left", "--html", "customers.csv"): "is the table itself",
        ("customers.csv", "left", "--html", "no/page.html"): "in a folder you can write to",
        ("fake.parquet", "left"): "fake.parquet",
    }.items():
        file, target, *more = words
        assert said in refusal(capsys, file, "--target", target, *more), words


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["compare", "customers.csv"],
        ["compare", "customers.csv", "--target", "left", "--cv", "1"],
        ["compare", "customers.csv", "--target", "left", "--sample", "many"],
    ],
)
def test_wrong_arguments_are_named_with_the_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: sk-shallow" in capsys.readouterr().err


def test_each_class_needs_rows_for_the_folds_and_the_folds_within_them(folder):
    table = load(folder / "customers.csv", "left", None, [])
    for n_folds in (2, 3, 5, 10, 20):
        least = min(n for n in range(100) if n >= n_folds and n - -(-n // n_folds) >= 5)
        enough = table._replace(y=np.arange(240) < least)
        check_class_sizes(enough, n_folds)
        few = enough._replace(y=np.arange(240) < least - 1)
        for table_of in (few, few._replace(y=~few.y)):
            with pytest.raises(CommandError, match=f"need {least} of each class"):
                check_class_sizes(table_of, n_folds)


def test_columns_that_give_the_target_away_are_named(folder, capsys):
    frame = customers()
    y = frame["left"] == "yes"
    rng = np.random.default_rng(1)
    telling = {
        "score": np.where(y, 1.0, 0.0) + 0.1 * rng.random(240),
        "reversed": np.where(y, -1.0, 0.0),
        "closed_on": np.where(y, "2024-01-01", None),
        "reason": np.where(y, rng.choice(["price", "service"], 240), "none"),
        "fee": np.where(y, np.nan, rng.random(240)),  # missing where it is given away
    }
    innocent = {
        "name": [f"customer {i}" for i in range(240)],
        "city": rng.choice([f"city {i}" for i in range(60)], 240),
        "noise": rng.random(240),
    }
    frame.assign(**telling, **innocent).to_csv("telling.csv", index=False)
    table = load(folder / "telling.csv", "left", None, [])
    (caution,) = cautions_on(table)
    assert caution.startswith("score, reversed, closed_on, reason, fee: alone, ")
    assert "--drop score --drop reversed" in caution
    for name in innocent:
        assert auc(table.X[name], table.y) < 0.7


def test_columns_that_number_the_rows_are_named():
    rng = np.random.default_rng(0)
    ids = {
        "counted": np.arange(100, 150),
        "shuffled": rng.permutation(50),
        "codes": [f"c{i:03}" for i in range(50)],
        "backwards": np.arange(50)[::-1] * 3,
    }
    others = {
        "measured": rng.random(50),
        "whole": rng.integers(0, 10**6, 50),
        "text": [f"words of row {i}" for i in range(50)],
        "repeated": np.arange(50) // 2,
        "day": pd.date_range("2020-01-01", periods=50),
        "flag": np.arange(50) % 2 == 0,
    }
    assert all(is_id(pd.Series(column)) for column in ids.values())
    assert not any(is_id(pd.Series(column)) for column in others.values())


def test_terms_of_a_column_that_a_fold_lacks_are_not_tried(folder):
    table = load(folder / "customers.csv", "left", None, [])
    table.X["plan"] = np.where(np.arange(240) == 0, "rare", table.X["plan"])
    given = arguments.parser().parse_args(["compare", "customers.csv", "--target", "left"])
    net, _ = looked_into(tabular(ShallowNetClassifier(4)), table, Progress(disable=True))
    recipe = (
        "from sklearn.compose import ColumnTransformer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "terms = ColumnTransformer([('pair_1', StandardScaler(), ['plan_rare'])])\n"
        "line = make_pipeline(terms, LogisticRegression())\n"
    )
    with pytest.warns(FitFailedWarning):
        losses = losses_with_terms(net, recipe, table, given)
    assert np.isnan(losses).sum() == 1


def test_without_the_extra_it_says_which_one_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(arguments, "find_spec", lambda name: None)
    assert main(["compare", "customers.csv", "--target", "left"]) == 1
    assert "pip install 'sk-shallow[cli]'" in capsys.readouterr().err


def test_an_interruption_ends_it_without_a_traceback(folder, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sk_shallow.cli.comparing.load", interrupted)
    status, _, err = run(capsys, "customers.csv", "--target", "left")
    assert (status, err) == (130, "sk-shallow: interrupted.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_goes_away_ends_it_without_a_traceback(folder):
    words = ["--target", "left", "--cv", "2", "--drop", "plan", "since"]
    command = [sys.executable, "-m", "sk_shallow", "compare", "customers.csv", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0


def test_it_runs_as_a_module():
    out = subprocess.check_output(
        [sys.executable, "-m", "sk_shallow", "--version"], text=True
    )
    assert out.strip() == sk_shallow.__version__
