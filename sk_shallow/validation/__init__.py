"""Parameters and data in, clean arrays or a clear error out."""

from sk_shallow.validation.data import (
    Labels,
    check_chunk,
    check_is_finite,
    check_is_numpy,
    check_known_rows,
    check_same_net,
    check_sample_weight,
    check_training_data,
    check_validation_data,
    encode_labels,
    holds_out,
    labelled_rows,
    labelled_validation_rows,
    naming_what_overflows,
    read_table,
)
from sk_shallow.validation.parameters import (
    REQUIREMENTS,
    check_parameters,
    check_partial_fit_parameters,
)

__all__ = [
    "REQUIREMENTS",
    "Labels",
    "check_chunk",
    "check_is_finite",
    "check_is_numpy",
    "check_known_rows",
    "check_parameters",
    "check_partial_fit_parameters",
    "check_same_net",
    "check_sample_weight",
    "check_training_data",
    "check_validation_data",
    "encode_labels",
    "holds_out",
    "labelled_rows",
    "labelled_validation_rows",
    "naming_what_overflows",
    "read_table",
]
