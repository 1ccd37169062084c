"""The nodes of the graphs, for event loops; `_sync` is generated from it."""
