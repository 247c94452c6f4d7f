"""Ends in the data folder what a run of Prefect left open there."""
