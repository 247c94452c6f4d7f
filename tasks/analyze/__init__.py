"""Stored pages and their issues become recommendations: by a language model, or by the rules' own advice."""
