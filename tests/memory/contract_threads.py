"""What any store does when many use it at once."""

import threading

from langchain_memalign._stores.base import Selection
from langchain_memalign.errors import MemoryUnavailableError

from .points import EVERYTHING, TOY, case, id_of, ids, names, point


class ThreadsContract:
    def test_threads_read_while_another_writes_and_erases(self, store):
        """Readers see every point that stays, and none whose erasing has returned."""
        stays = [point(f"stays {i}", vectors=case(1, i, 0, 0)) for i in range(70)]
        store.write(stays, fingerprint=TOY)
        gone, done, failures, reads = set(), threading.Event(), [], []

        def read():
            try:
                while not done.is_set():
                    gone_before = set(gone)
                    found = set(ids(store.scan(Selection(judge="tone"))))
                    assert set(ids(stays)) <= found
                    near = store.nearest(
                        EVERYTHING, using="case", vector=(1.0, 2.0, 0.0, 0.0), limit=80
                    )
                    found |= set(ids(p for p, _ in near))
                    assert not found & gone_before
                    assert store.tally(EVERYTHING, "judge")["tone"] >= len(stays)
                    reads.append(1)
            except Exception as error:
                failures.append(error)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            for i in range(3):
                goes = [point(f"goes {i} {j}", vectors=case(0, 1, j, 0)) for j in range(5)]
                store.write(goes)
                store.write([point(f"stays {i}")], erased=ids(goes))
                gone.update(ids(goes))
        finally:
            done.set()
            for reader in readers:
                reader.join()
        assert failures == []
        assert reads
        assert set(ids(store.scan(EVERYTHING))) == set(ids(stays))

    def test_closing_does_not_break_what_is_under_way(self, store):
        """A read either returns everything or says that the store is closed."""
        everything = [point(i, vectors=case(1, i, 0, 0)) for i in range(200)]
        store.write(everything, fingerprint=TOY)
        reading, outcomes = threading.Barrier(4), []

        def read():
            reading.wait()
            try:
                while True:
                    outcomes.append(len(store.scan(EVERYTHING, vectors=True)))
            except Exception as error:
                outcomes.append(type(error))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        reading.wait()
        store.scan(EVERYTHING)
        store.close()
        for reader in readers:
            reader.join()
        assert set(outcomes) <= {len(everything), MemoryUnavailableError}

    def test_writes_of_many_threads_all_arrive(self, store):
        def write(i):
            vectors = case(1, i, 0, 0)
            store.write([point(f"{i} {j}", vectors=vectors) for j in range(3)], fingerprint=TOY)
            store.write([], erased=[id_of(f"{i} 0")])

        writers = [threading.Thread(target=write, args=(i,)) for i in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        expected = {f"{i} {j}" for i in range(6) for j in (1, 2)}
        assert names(store.scan(EVERYTHING)) == expected
