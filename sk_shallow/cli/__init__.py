"""The command line: LogisticRegression and the nets, compared on a file of one's own."""

from sk_shallow.cli.arguments import main

__all__ = ["main"]
