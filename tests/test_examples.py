"""The examples of the gallery run as they are."""

import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

# These fit hundreds of nets or a large table; they run when the site is built.
LONG = {"plot_init_scale", "plot_large_starts", "plot_memory_map", "plot_zero_net"}
EXAMPLES = sorted(
    example
    for example in (Path(__file__).parent.parent / "examples").glob("plot_*.py")
    if example.stem not in LONG
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_and_draws(example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")  # there is no screen
    runpy.run_path(str(example), run_name="__main__")
    plt.close("all")
    assert capsys.readouterr().out
    assert list(tmp_path.glob("*.png"))
