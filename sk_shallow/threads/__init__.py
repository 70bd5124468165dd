"""The limit on BLAS while training, and tasks shared out among threads."""
