"""The server store: a collection on a Qdrant server or cluster."""
