"""What all pictures share: axes to draw on, and colours that everybody can tell apart."""

from typing import Any

# Okabe & Ito (2008), "Color universal design".
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
GREY = "0.45"


def axes_for(ax: Any) -> Any:
    """The axes given, or new ones.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    return new_axes() if ax is None else ax


def new_axes(n_columns: int = 1, **figure: Any) -> Any:
    """The axes of a new figure, one or an array of several.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib: pip install 'sk-shallow[plot]'."
        ) from error
    _, axes = plt.subplots(ncols=n_columns, layout="constrained", **figure)
    return axes
