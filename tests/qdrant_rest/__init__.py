"""A server that speaks Qdrant's REST and answers from Qdrant Edge, the same engine in-process.

What is stored, filtered, searched, counted and conditionally updated is so by the engine. Ours are
the transport, keys, the strict mode (`strict.py`), the copies on several nodes (`copies.py`) and
what nodes agree on (`cluster.py`): these behave as Qdrant 1.18.3 was measured to do. It runs in a
process of its own (`RestServer` in `process.py`), so that any number of client processes can use
it, be killed and meet faults (`faults.py`).
"""
