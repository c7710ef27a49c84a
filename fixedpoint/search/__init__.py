"""The search for formats: candidates, their evaluation and their cost."""
