"""Judging a site: the tables of one run in, a graph and a verdict out."""
