"""What verbose prints is aligned, thinned out, and says which start it is of."""

import pytest

from sk_shallow import ShallowNetClassifier
from sk_shallow.log import Log


@pytest.mark.parametrize("held_out", [[0.5], []])
def test_the_log_is_aligned_and_thinned_out(capsys, held_out):
    log = Log(held_out=bool(held_out))
    for iteration in range(321):
        log.line(iteration, 2.0 - iteration / 1000, held_out, 10.0**-iteration)
    log.end("loss")
    lines = capsys.readouterr().out.splitlines()
    words = ["iteration", "J", "held-out", "loss", "max", "|gradient|", "seconds"]
    if not held_out:
        del words[2:4]
    assert lines[0].split() == words
    iterations = [int(line.split()[0]) for line in lines[1:-1]]
    assert iterations == [*range(11), *range(20, 101, 10), 200, 300, 320]
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1] == "Stopped: loss."


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_line_says_which_start_it_is_of_where_there_are_several(
    cancer, capsys, n_jobs
):
    ShallowNetClassifier(4, n_init=2, n_jobs=n_jobs, random_state=0, verbose=1).fit(*cancer)
    lines = capsys.readouterr().out.splitlines()
    names = [line.partition(":")[0] for line in lines]
    assert set(names) == {"start 0", "start 1"}
    assert sum("Stopped" in line for line in lines) == 2
    ShallowNetClassifier(4, n_init=1, random_state=0, verbose=1).fit(*cancer)
    assert "start" not in capsys.readouterr().out
