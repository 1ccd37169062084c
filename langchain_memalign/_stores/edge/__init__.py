"""The embedded store: a directory with Qdrant Edge in it."""
