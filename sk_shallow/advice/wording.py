"""How a warning is put."""

import math
import warnings

from scipy import sparse

from sk_shallow._core.rows import Matrix


def warn(message: str, category: type[Warning]) -> None:
    # Level 4 is the user's line: warn, the function that looked, fit, the line.
    warnings.warn(message, category, stacklevel=4)


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def significant(value: float) -> float:
    """`value` rounded down to one significant digit: a number to type in."""
    if value <= 0 or not math.isfinite(value):
        return value
    exponent = math.floor(math.log10(value))
    digit = math.floor(value / 10.0**exponent + 1e-9)  # 0.3 / 0.1 is a little under 3
    return float(f"{digit}e{exponent}")


def standardise(X: Matrix) -> str:
    scaler = "StandardScaler(with_mean=False)" if sparse.issparse(X) else "StandardScaler"
    return f"standardise X (sklearn.preprocessing.{scaler})"
