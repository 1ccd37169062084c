"""Asking the judge and the human, for event loops; `_sync` is generated from it."""
