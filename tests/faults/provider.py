"""A provider of chat and embedding models on this machine, healthy until it is told to fail."""

import json

from fakes import CountingEmbeddings, Request, one_rule_a_record
from judge.bench import NO_WAIT
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from models.openai_server import completion, embedding_list

from langchain_memalign import MemAlignJudge, Memory

KEY = "sk-proj-0a1b2c3d4e5f6a7b"


class Provider:
    """Speaks OpenAI's API over HTTP; `chat` and `embeddings` count what was asked of each."""

    def __init__(self, server):
        self.server = server
        self.respond = one_rule_a_record
        self._healthy = CountingEmbeddings()
        self._faults = {"chat": None, "embeddings": None}
        server.otherwise = self._answer

    def fails(self, fault, *, of="chat"):
        """Every further request of a kind gets this reply; a function makes it of the body."""
        self._faults[of] = fault if callable(fault) else lambda body: fault

    def heals(self):
        self._faults = dict.fromkeys(self._faults)

    def asked(self, kind="chat"):
        """The bodies of the requests of a kind."""
        return [body for path, _, body in self.server.requests if kind in path]

    def chat_model(self, **options):
        settings = {"base_url": self.server.url, "max_retries": 0, **options}
        return ChatOpenAI(model="gpt-test", api_key=KEY, **settings)

    def memory(self, location=":memory:", *, retry=NO_WAIT, **options):
        embeddings = OpenAIEmbeddings(
            model="embed-test",
            api_key=KEY,
            base_url=self.server.url,
            max_retries=0,
            check_embedding_ctx_length=False,
            **options,
        )
        return Memory.open(location, embeddings=embeddings, retry=retry)

    def judge(self, memory, *, model=None, **options):
        settings = {"retry": NO_WAIT, "value_type": bool, **options}
        return MemAlignJudge(
            name="tone",
            instructions="Is the reply kind?",
            model=model or self.chat_model(),
            memory=memory,
            **settings,
        )

    def _answer(self, path, body):
        kind = "embeddings" if "embeddings" in path else "chat"
        if (fault := self._faults[kind]) and (reply := fault(body)):
            return reply
        if kind == "embeddings":
            return embedding_list(*self._healthy.embed_documents(body["input"]))
        said = self.respond(request_of(body))
        return completion(json.dumps(said))


def request_of(body):
    """A request over the wire, as the scripted model gets it."""
    system, human, *repair = (message["content"] for message in body["messages"])
    messages = [SystemMessage(system), HumanMessage(human), *map(HumanMessage, repair)]
    return Request(body["response_format"]["json_schema"]["name"], messages)
