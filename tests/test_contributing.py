"""What CONTRIBUTING.md says of the code is true."""

import re
import sys
from pathlib import Path

import sk_shallow
from sk_shallow import ShallowNetClassifier

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text("utf-8")
PACKAGE = Path(sk_shallow.__file__).parent


def test_each_room_is_named():
    (tree,) = re.findall(r"^sk_shallow/\n(.*?)```", PAGE, re.S | re.M)
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    assert named == {
        path.name
        for path in PACKAGE.iterdir()
        if path.name not in ("__init__.py", "__pycache__", "py.typed")
    }


def calls_of(function):
    """The functions of the package that are called, as "file: qualified name", in order."""
    calls = []

    def note(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            name = frame.f_code.co_qualname
            calls.append(f"{path.relative_to(PACKAGE).as_posix()}: {name}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def test_a_fit_takes_the_steps_that_are_listed_in_their_order(large):
    steps = re.findall(r"^\d+\. `(\S+\.py: \S+)`", PAGE, re.M)
    steps[0] = steps[0].replace(": fit", ": BaseShallowNet.fit")
    assert len(steps) > 10
    calls = iter(calls_of(lambda: ShallowNetClassifier(4, random_state=0).fit(*large)))
    for step in steps:
        assert step in calls, f"{step} is not called there"  # goes on behind the last step
