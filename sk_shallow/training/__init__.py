"""One training, from parameters and a start to a net and its record."""
