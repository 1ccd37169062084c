"""A judge on a bench: a scripted model, counted embeddings, and no waiting between attempts."""

from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign._models import Retry

NO_WAIT = Retry(first_wait=0)


class Bench:
    """A memory with one judge, `tone`; `model` and `embeddings` tell what they were asked."""

    def __init__(
        self, respond=one_rule_a_record, *, location=":memory:", embeddings=None, **options
    ):
        self.model = ScriptedModel(respond=respond)
        self.embeddings = embeddings or CountingEmbeddings()
        self.memory = Memory.open(location, embeddings=self.embeddings, retry=NO_WAIT)
        self.judge = self.judge_named("tone", **options)

    def judge_named(self, name, **options):
        """A judge of this memory that asks this model, unless `options` say otherwise."""
        settings = {
            "instructions": "Is the reply kind?",
            "value_type": bool,
            "model": self.model,
            "retry": NO_WAIT,
            **options,
        }
        return MemAlignJudge(name=name, memory=self.memory, **settings)

    def calls(self):
        """How often model and embeddings were called so far."""
        return len(self.model.requests), self.embeddings.calls

    def texts(self, *, retired=False):
        """The texts of the principles of the judge `tone`, in the order learned."""
        return [p.text for p in self.memory.principles("tone", retired=retired)]

    def remarks(self, status=None):
        """The rationales of the episodes of the judge `tone`, sorted."""
        return sorted(e.rationale for e in self.judge.episodes(status=status))

    def id_of(self, remark):
        """The id of the one episode in which an expert said `remark`."""
        (found,) = [e.id for e in self.judge.episodes() if e.rationale == remark]
        return found
