"""A real, small language model (SmolLM2, 135 million parameters) behind an OpenAI-compatible API.

Run as `python -m model_server`: it prints its URL and serves until its standard input ends. What so
small a model says is of no use; that nothing breaks on it, is.
"""
