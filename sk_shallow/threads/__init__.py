"""The limit on BLAS while training, and a map over row blocks in several threads."""
