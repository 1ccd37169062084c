"""A server that speaks Qdrant's REST and answers from Qdrant Edge, the same engine in-process.

Only the transport and the strict mode are ours: what is stored, filtered, searched, counted and
conditionally updated is so by the engine. It runs in a process of its own (`RestServer` in
`process.py`), so that any number of client processes can use it, be killed and meet faults
(`faults.py`).
"""
