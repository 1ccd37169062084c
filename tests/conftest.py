"""What holds for every test."""

import os

# A developer's own keys and settings must never turn a test into a paid call or a trace. Done at
# import, not in a fixture, because libraries read some of these while they are being imported.
for name in list(os.environ):
    if name.endswith("_API_KEY") and name != "QDRANT_API_KEY":
        del os.environ[name]
os.environ["LANGSMITH_TRACING"] = "false"
