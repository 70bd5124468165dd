"""The mathematics of a net with one hidden layer: NumPy and SciPy only.

All functions get clean arrays, and a `numpy.random.Generator` where they draw random
numbers. None validates, warns, prints or seeds.
"""
