"""The upkeep of the data folder: merge what is small, end what is old, delete what nothing needs."""
