"""What is wrong with a start or an end of training, in words, with what to set.

The numbers come from `_core.diagnostics`; here they become warnings. Most are computed on
at most 200 rows, drawn at random, so that they cost less than 1 % of most fits.
"""

from sk_shallow.advice.end import (
    of_lists,
    search_verdict,
    warn_of_end,
    warn_of_folds,
    warn_of_left_out_settings,
    warn_of_refit,
)
from sk_shallow.advice.scales import warn_of_scales
from sk_shallow.advice.start import warn_of_small_class, warn_of_start, warn_of_unused_rate

__all__ = [
    "of_lists",
    "search_verdict",
    "warn_of_end",
    "warn_of_folds",
    "warn_of_left_out_settings",
    "warn_of_refit",
    "warn_of_scales",
    "warn_of_small_class",
    "warn_of_start",
    "warn_of_unused_rate",
]
