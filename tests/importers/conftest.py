import pytest
from fakes import CountingEmbeddings

from langchain_memalign import MemAlignJudge, Memory

from .langsmith_server import langsmith_server
from .tracking import Tracking


@pytest.fixture
def judge():
    """A judge of tone with an empty memory."""
    with Memory.open(":memory:", embeddings=CountingEmbeddings(), embeddings_id="fake") as memory:
        yield MemAlignJudge(
            name="tone",
            instructions="Is the reply kind?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )


@pytest.fixture
def langsmith(socket_enabled):
    """A LangSmith workspace on this machine."""
    with langsmith_server() as server:
        yield server


@pytest.fixture
def client(langsmith):
    from langsmith import Client

    client = Client(api_url=langsmith.url, api_key=langsmith.key, auto_batch_tracing=False)
    yield client
    client.close()


@pytest.fixture
def tracking(tmp_path):
    """An MLflow store with the experiment "support"."""
    return Tracking(f"sqlite:///{tmp_path}/mlflow.db")
