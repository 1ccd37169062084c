"""What a location means: a directory, a server, or nothing that can be opened."""

from pathlib import Path

import pytest
from fakes import CountingEmbeddings

from langchain_memalign import (
    ConfigurationError,
    InvalidInputError,
    Memory,
    MemoryUnavailableError,
)
from langchain_memalign._stores.location import ServerAddress, server_at


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory in which nothing may be left."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(location, **options):
    return Memory.open(location, embeddings=CountingEmbeddings(), **options)


@pytest.mark.parametrize(
    ("location", "url", "grpc_port"),
    [
        ("localhost:6333", "http://localhost:6333", None),
        ("qdrant:6333/", "http://qdrant:6333/", None),
        ("10.0.0.7:16333", "http://10.0.0.7:16333", None),
        ("[::1]:6333", "http://[::1]:6333", None),
        ("HTTP://localhost:6333", "http://localhost:6333", None),
        ("Https://qdrant.example/memory", "https://qdrant.example/memory", None),
        (" http://localhost:6333\n", "http://localhost:6333", None),
        ("grpc://host:6334", "http://host:6333", 6334),
        ("GRPCS://host", "https://host:6333", 6334),
    ],
)
def test_an_address_of_a_server_is_understood(location, url, grpc_port):
    assert server_at(location) == ServerAddress(url, grpc_port)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("s3://key:hunter2@bucket/memory", "begins with s3://; expected the directory"),
        ("qdrant://localhost:6333", "'http://localhost:6333'"),
        ("file:///var/memory", "expected the path alone"),
        ("http:/localhost:6333", "'http://localhost:6333'"),
        ("http:localhost:6333", "'http://localhost:6333'"),
        (Path("http://localhost:6333"), "'http://localhost:6333'"),
        ("grpc://localhost:6333", "grpc://localhost:6334"),
        ("grpc://user:hunter2@localhost:6334", "host and gRPC port alone"),
        ("C:\\mem", "a path of Windows.*expected a path of this system"),
        ("d:/mem", "a path of Windows"),
        ("\\\\machine\\mem", "a path of Windows"),
        ("data\\mem", "'data/mem'"),
        ("localhost", "'http://localhost:6333' for a server, or './localhost' for a directory"),
        ("127.0.0.1/memory", "'http://127.0.0.1:6333' for a server, or './127.0.0.1/memory'"),
        ("//localhost:6333", "'http://localhost:6333' for a server, or '/localhost:6333'"),
        ("localhost:", "'http://localhost:6333' for a server, or './localhost:'"),
        ("localhost:99999", "'http://localhost:6333' for a server, or './localhost:99999'"),
        ("run:1", "'http://run:1' for a server, or './run:1' for a directory"),
        ("my:memory", "or './my:memory' for a directory"),
        ("user:hunter2@localhost:6333", "expected 'http://localhost:6333' for a server"),
        ("localhost:6333?api_key=hunter2", "or './...' for a directory"),
        (":MEMORY:", "expected ':memory:'"),
        (":memory: ", "expected ':memory:'"),
        ("memory:", "expected ':memory:'"),
    ],
)
def test_what_is_neither_is_refused_with_the_right_form(elsewhere, location, said):
    with pytest.raises(ConfigurationError, match=said) as told:
        opened(location)
    assert "hunter2" not in str(told.value)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "location", ["memory", "./run:1", "a/b:c", "v1.2", "mem ory", "2024.01", Path("my:memory")]
)
def test_a_directory_stays_one(elsewhere, location):
    with opened(location) as memory:
        assert memory.judges() == []
    assert (elsewhere / location / "manifest.json").exists()


def test_a_name_with_a_colon_that_is_a_directory_already_is_opened(elsewhere):
    opened("./my:memory").close()
    with opened("my:memory") as memory:
        assert memory.location == "my:memory"


def test_a_directory_that_is_called_like_a_server_is_not_guessed(elsewhere):
    (elsewhere / "localhost:6333").mkdir()
    with pytest.raises(ConfigurationError, match=r"or '\./localhost:6333' for a directory"):
        opened("localhost:6333")
    opened("./localhost:6333").close()


@pytest.mark.parametrize("option", [{"grpc_port": 7000}, {"prefer_grpc": False}])
def test_an_option_that_contradicts_the_address_is_refused(option):
    with pytest.raises(ConfigurationError, match=f"found {next(iter(option))}="):
        opened("grpc://localhost:6334", **option)


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("a" * 5000, MemoryUnavailableError),
        ("a:b" * 2000, ConfigurationError),
        ("x\0y", InvalidInputError),
        ("/dev/null/memory", MemoryUnavailableError),
    ],
    ids=["too long", "too long, with colons", "null byte", "below a file"],
)
def test_a_name_that_no_directory_can_have_is_told(location, error):
    with pytest.raises(error):
        opened(location)
