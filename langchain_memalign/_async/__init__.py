"""What waits for a model or an embedding, for event loops; `_sync` is generated from it."""
