"""What is wrong with a start or an end of training, in words, with what to set.

The numbers come from `_core.diagnostics`; here they become warnings. Most are computed on
at most 200 rows, drawn at random, so that they cost less than 1 % of most fits.
"""

from sk_shallow.advice.end import warn_of_end
from sk_shallow.advice.scales import warn_of_scales
from sk_shallow.advice.start import warn_of_start, warn_of_unused_rate

__all__ = ["warn_of_end", "warn_of_scales", "warn_of_start", "warn_of_unused_rate"]
