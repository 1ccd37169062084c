"""Local embeddings: no network, no odd numbers, always the same."""

import logging
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from langchain_memalign._offline import LocalEmbeddings
from langchain_memalign.errors import ConfigurationError

LATE = "The parcel is late, and the customer is upset."


def cosine(one, other):
    return math.fsum(x * y for x, y in zip(one, other, strict=True))


@pytest.fixture
def embed():
    return LocalEmbeddings().embed_query


def test_what_is_related_is_nearer_than_what_is_not(embed):
    related = cosine(embed(LATE), embed("An angry client waits for a delayed delivery."))
    unrelated = cosine(embed(LATE), embed("Whales sing to each other over long distances."))
    assert related > unrelated + 0.1


def test_vectors_are_256_python_floats_of_length_one(embed):
    vector = embed(LATE)
    assert len(vector) == 256
    assert {type(x) for x in vector} == {float}
    assert cosine(vector, vector) == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t ", "\x00", "\u200b", "a\ud800b", "😀", "<s></s><unk>", "漢字", "\ufffd" * 9],
    ids=ascii,
)
def test_odd_texts_give_finite_vectors_of_length_one(embed, text):
    vector = embed(text)
    assert cosine(vector, vector) == pytest.approx(1)


def test_blank_texts_are_all_alike(embed):
    assert embed("") == embed(" ") == embed("\n\n")


def test_a_text_gives_the_same_numbers_alone_and_among_others(embed):
    others = ["", "short", "long " * 5000]
    assert LocalEmbeddings().embed_documents([*others, LATE])[-1] == embed(LATE)
    assert LocalEmbeddings().embed_documents([]) == []


async def test_async_gives_the_same_numbers(embed):
    assert await LocalEmbeddings().aembed_query(LATE) == embed(LATE)
    assert await LocalEmbeddings().aembed_documents([LATE]) == [embed(LATE)]


def test_many_threads_get_the_same_numbers(embed):
    texts = [f"text number {i} about {'parcels' if i % 2 else 'whales'}" for i in range(200)]
    expected = [embed(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(LocalEmbeddings().embed_query, texts)) == expected


def test_five_megabytes_are_embedded(embed):
    vector = embed((f"{LATE} " * 120_000)[:5_000_000])
    assert cosine(vector, embed(LATE)) > 0.99


def test_the_id_names_model_and_size():
    assert LocalEmbeddings().embedding_id == "local:wordllama-l2-supercat-256"


def test_a_missing_package_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'langchain-memalign\[local\]'"):
        LocalEmbeddings()


def in_a_fresh_process(code, tmp_path):
    """Run code where nothing is loaded yet; a connection or a warning ends it.

    A bare socket is no connection: urllib3 makes one when imported, to see if there is IPv6.
    """
    guard = (
        "import sys\n"
        "def audit(event, args):\n"
        "    if event in ('socket.connect', 'socket.sendto', 'socket.getaddrinfo'):\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "sys.addaudithook(audit)\n"
        "from langchain_memalign._offline import LocalEmbeddings\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", guard + code],
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_nothing_is_downloaded_written_or_warned_of(tmp_path):
    out = in_a_fresh_process("print(len(LocalEmbeddings().embed_query('hello')))", tmp_path)
    assert out == "256"
    assert list(tmp_path.iterdir()) == []


def test_the_weights_wait_for_the_first_text(tmp_path):
    code = "LocalEmbeddings(); print('wordllama' in sys.modules, 'numpy' in sys.modules)"
    assert in_a_fresh_process(code, tmp_path) == "False False"


def test_the_applications_logging_is_left_alone(tmp_path):
    code = (
        "import logging; LocalEmbeddings().embed_query('hello')\n"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    assert in_a_fresh_process(code, tmp_path) == f"[] {logging.WARNING}"


def test_threads_that_come_first_at_once_load_the_weights_once(tmp_path):
    code = (
        "import time, wordllama\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "load, loads = wordllama.WordLlama.load, []\n"
        "def slow(**options):\n"
        "    loads.append(options); time.sleep(0.1); return load(**options)\n"
        "wordllama.WordLlama.load = slow\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    found = list(pool.map(lambda _: LocalEmbeddings().embed_query('hello'), range(8)))\n"
        "print(all(vector == found[0] for vector in found), len(loads))"
    )
    assert in_a_fresh_process(code, tmp_path) == "True 1"


def test_weights_that_are_gone_are_told_not_downloaded(tmp_path):
    code = (
        "import wordllama\n"
        "wordllama.WordLlama.get_filename = staticmethod(lambda *args: 'gone.safetensors')\n"
        "try: LocalEmbeddings().embed_query('hello')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    told = in_a_fresh_process(code, tmp_path)
    assert told.startswith("ConfigurationError")
    assert "pip install 'langchain-memalign[local]'" in told
