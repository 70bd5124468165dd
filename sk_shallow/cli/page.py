"""One page of HTML with what was found and its pictures, which asks for no other file."""

from base64 import b64encode
from importlib.metadata import version
from importlib.resources import files
from io import BytesIO
from typing import Any

from jinja2 import Environment
from matplotlib.figure import Figure

from sk_shallow.cli.findings import Findings
from sk_shallow.inspection.displays import ComparisonDisplay, EffectsDisplay

PACKAGES = "sk-shallow", "scikit-learn", "skrub", "numpy", "scipy"
SMALL, LARGE = (5.2, 4.4), (7.0, 5.9)  # inches; a telephone shows either whole
N_SLOPES = 4


def page_of(found: Findings, command: str) -> str:
    """The page."""
    template = (files("sk_shallow.cli") / "page.html").read_text("utf-8")
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            found=found,
            command=command,
            sections=[
                (report, comparison_pictures(report)) for report in found.comparisons
            ],
            effect_pictures=effect_pictures(found),
            versions=", ".join(f"{name} {version(name)}" for name in PACKAGES),
        )
    )


def comparison_pictures(report: Any) -> list[tuple[str, str]]:
    """The three parts of ComparisonDisplay."""
    figures, axes = single_axes([SMALL] * 3)
    ComparisonDisplay.from_report(report, axes=axes)
    return pictures(
        figures,
        "Log-loss of both models on each fold.",
        "Share of the positive class against its predicted probability, for both models.",
        "Probability by the net against that by LogisticRegression, a point for each row.",
    )


def effect_pictures(found: Findings) -> list[tuple[str, str]]:
    """The two parts of EffectsDisplay, and the slopes of the most important columns."""
    n_slopes = min(N_SLOPES, found.effects.importance.size)
    figures, axes = single_axes([LARGE] * 2 + [SMALL] * n_slopes)
    EffectsDisplay.from_report(found.effects, axes=axes[:2])
    EffectsDisplay.from_estimator(
        found.net, found.table.X, kind="slopes", n_columns=n_slopes, axes=axes[2:]
    )
    return pictures(
        figures,
        "Importance of each column, split into its straight and its curved part.",
        "A map of how strongly pairs of columns act together.",
        *["The slope of the logit in one column against its value."] * n_slopes,
    )


def single_axes(sizes: list[tuple[float, float]]) -> tuple[list[Figure], list[Any]]:
    """Figures of these sizes with one pair of axes each."""
    figures = [Figure(figsize=size, layout="constrained") for size in sizes]
    return figures, [figure.subplots() for figure in figures]


def pictures(figures: list[Figure], *alternatives: str) -> list[tuple[str, str]]:
    """Each as text that a page holds, with what it shows in words."""
    return list(zip(map(png, figures), alternatives, strict=True))


def png(figure: Figure) -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=144)
    return b64encode(buffer.getvalue()).decode()
