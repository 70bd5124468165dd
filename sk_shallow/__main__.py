"""``python -m sk_shallow``: the command line."""

from sk_shallow.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
