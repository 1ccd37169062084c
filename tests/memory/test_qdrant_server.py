"""What only a real Qdrant server can show; each test says what it needs beside `QDRANT_URL`."""

import os
import secrets
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import feedback
from qdrant_client import QdrantClient, models

from langchain_memalign._stores.base import Fingerprint, Selection

from .points import point
from .qdrant_processes import open_judge

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.slow,
    pytest.mark.skipif("QDRANT_URL" not in os.environ, reason="QDRANT_URL names no Qdrant server"),
]

EPISODES, QUERIES, NEAREST = 20_000, 200, 5
SIZE = 64  # of an embedding; a case is two of them
PATIENCE = 300


@pytest.fixture
def administrator(deployed):
    """A client of the server, for what a memory does not do itself."""
    client = QdrantClient(
        os.environ["QDRANT_URL"],
        api_key=os.environ.get("QDRANT_API_KEY"),
        timeout=60,
        check_compatibility=False,
    )
    yield client
    client.close()


@pytest.fixture
def episodes():
    """Episodes of two judges that lie in heaps, as cases of one kind do; three in ten are false."""
    rng = np.random.default_rng(7)
    heaps = rng.normal(size=(200, 2 * SIZE))
    vectors = heaps[rng.integers(200, size=EPISODES)] + rng.normal(size=(EPISODES, 2 * SIZE))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.where(rng.random(EPISODES) < 0.3, "false", "true")
    judges = np.where(rng.random(EPISODES) < 0.5, "tone", "safety")
    return vectors.astype(np.float32), values, judges


@pytest.mark.parametrize("allowed", [True, False], ids=["exact-allowed", "exact-forbidden"])
def test_of_20_000_indexed_episodes_the_nearest_of_each_value_are_found(
    deployed, administrator, episodes, allowed
):
    vectors, values, judges = episodes
    store = deployed.open(timeout=60)
    administrator.update_collection(
        deployed.collection,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=500),
        strict_mode_config=models.StrictModeConfig(enabled=True, search_allow_exact=allowed),
    )
    for start in range(0, EPISODES, 2_000):
        store.write(
            [
                point(
                    n,
                    judge=str(judges[n]),
                    fields={"value": str(values[n])},
                    vectors={"case": tuple(map(float, vectors[n]))},
                )
                for n in range(start, start + 2_000)
            ],
            fingerprint=Fingerprint(embeddings="toy", size=SIZE),
        )
    wait_until_indexed(administrator, deployed.collection)
    searching = deployed.open(timeout=60)
    rng = np.random.default_rng(8)
    recalls = []
    for _ in range(QUERIES):
        query = vectors[rng.integers(EPISODES)] + 0.5 * rng.normal(size=2 * SIZE) / SIZE**0.5
        query /= np.linalg.norm(query)
        for value in ("true", "false"):
            asked = (values == value) & (judges == "tone")
            cosines = np.where(asked, vectors @ query, -2)
            least = np.sort(cosines)[-NEAREST] - 1e-5
            found = searching.nearest(
                Selection(kind="episode", judge="tone", fields={"value": (value,)}),
                using="case",
                vector=tuple(map(float, query)),
                limit=NEAREST,
            )
            near = [cosines[int(p.record.removeprefix("record "))] >= least for p, _ in found]
            recalls.append(sum(near) / NEAREST)
    print(f"recall by value {np.mean(recalls):.4f}, worst query {min(recalls):.2f}")
    assert np.mean(recalls) >= 0.99


def wait_until_indexed(administrator, collection):
    """Until the server has built its graphs of all but a few."""
    deadline = time.monotonic() + PATIENCE
    while True:
        info = administrator.get_collection(collection)
        indexed = info.indexed_vectors_count or 0
        if info.status == models.CollectionStatus.GREEN and indexed > 0.9 * EPISODES:
            return
        assert time.monotonic() < deadline, f"indexed {indexed} of {EPISODES}, {info.status}"
        time.sleep(0.5)


@pytest.mark.skipif(
    "QDRANT_STORAGE" not in os.environ,
    reason="QDRANT_STORAGE names no folder with the server's files",
)
def test_after_forgetting_no_byte_is_in_the_files_of_the_server(deployed):
    words = [secrets.token_hex(12) for _ in range(20)]
    judge, _ = open_judge(deployed.url, deployed.options)
    with judge.memory:
        judge.align([feedback(n, outputs=f"Answer {w}.", rationale=w) for n, w in enumerate(words)])
        assert files_with(words)
        report = judge.forget(where=lambda episode: True)
        assert "no byte of them is left" in report.guarantee
        wait_until_gone(words)


def wait_until_gone(words):
    """The server deletes the files of a collection after it has answered."""
    deadline = time.monotonic() + 30
    while found := files_with(words):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def files_with(words):
    sought = [word.encode() for word in words]
    found = []
    for folder, _, files in os.walk(os.environ["QDRANT_STORAGE"]):
        for path in (Path(folder, name) for name in files):
            try:
                held = path.read_bytes()
            except FileNotFoundError:  # the server goes on meanwhile
                continue
            if any(word in held for word in sought):
                found.append(path)
    return found
