"""The examples of the gallery run as they are."""

import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_and_draws(example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")  # there is no screen
    runpy.run_path(str(example), run_name="__main__")
    plt.close("all")
    assert capsys.readouterr().out
    assert list(tmp_path.glob("*.png"))
