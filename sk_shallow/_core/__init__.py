"""The mathematics of a net with one hidden layer: NumPy and SciPy only.

Everything in here gets clean arrays, and a `numpy.random.Generator` where chance
is needed. Nothing in here validates, warns, prints or seeds.
"""
