"""The version of this package, which stored nets carry with them."""

__version__ = "0.1.0"
