"""The steps of scripts/recount.py, which says what it is."""
