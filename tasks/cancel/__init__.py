"""Ends runs on request."""
