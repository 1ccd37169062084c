"""What every `MemoryStore` must do, as tests. An engine subclasses `StoreContract`.

It supplies the fixture `open_store`: a callable that opens the one location of this test, again and
again, each time as a fresh process would. Everything else goes through the protocol.
"""

import pytest

from .contract_reading import ReadingContract
from .contract_threads import ThreadsContract
from .contract_writing import WritingContract
from .points import TOY, case, id_of, point


class StoreContract(ReadingContract, WritingContract, ThreadsContract):
    @pytest.fixture
    def open_store(self):
        raise NotImplementedError("an engine's tests supply this fixture")

    @pytest.fixture
    def store(self, open_store):
        store = open_store()
        yield store
        store.close()

    @pytest.fixture
    def filled(self, store):
        store.write(
            [
                point("a", fields={"status": "pending", "value": "true"}, vectors=case(1, 0, 0, 0)),
                point("b", fields={"status": "distilled"}, vectors=case(1, 1, 0, 0)),
                point("c", judge="safety", fields={"status": "pending"}, vectors=case(0, 1, 0, 0)),
                point(
                    "d",
                    kind="principle",
                    fields={"status": "active", "episode_ids": (id_of("a"), id_of("b"))},
                    vectors={"rule": (1.0, 0.0)},
                ),
                point("e", kind="principle", fields={"episode_ids": (id_of("b"),)}),
            ],
            fingerprint=TOY,
        )
        return store
