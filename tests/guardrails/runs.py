"""A callback handler that notes which run hangs below which."""

from langchain_core.callbacks import BaseCallbackHandler


class Runs(BaseCallbackHandler):
    """Appends (name, id, id of the parent) of each chain run to a list."""

    def __init__(self, noted):
        self._noted = noted

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
        self._noted.append((kwargs.get("name"), run_id, parent_run_id))
