"""Who is measured: a judge of this package, and MLflow's; each is taught once for many cells."""

from argparse import Namespace
from contextlib import contextmanager
from importlib.util import find_spec

from own_model import chat_model

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.evaluation.runner import describe, judged_all

SIDES = ("ours", "MLflow")
COMPARED = ("mlflow", "dspy", "litellm")


def sides(domain, options, address):
    """The sides that can be measured, by name; `address` is where they are to ask the model."""
    found = {}
    asking = Namespace(**{**vars(options), "base_url": address})
    # Described by the model's own address, which is the same when a run goes on.
    with judge_of(domain, options) as judge:
        described = [describe(judge), options.window]
        if "ours" in options.sides:
            found["ours"] = Ours(domain, asking, described)
        if "MLflow" in options.sides and address and all(map(find_spec, COMPARED)):
            found["MLflow"] = MLflow(judge.spec, asking)
    return found


@contextmanager
def judge_of(domain, options):
    """A judge of a domain that knows nothing, on the model that the options name."""
    with Memory.open(":memory:", embeddings=options.embeddings) as memory:
        yield MemAlignJudge(
            name=domain.name,
            instructions=domain.instructions,
            value_type=dict(domain.value_type),
            model=chat_model(options),
            memory=memory,
        )


class Ours:
    """This package's judge.

    Attributes:
        described: What its cells are kept under, besides the cell.
    """

    def __init__(self, domain, options, described):
        self._domain = domain
        self._options = options
        self.described = described

    def can(self, cell):
        """Whether it can be asked a cell."""
        return True

    @contextmanager
    def taught(self, words):
        """What answers trials after these words, and the rules that it learned."""
        most = self._options.concurrency
        with judge_of(self._domain, self._options) as judge:
            if words:
                judge.align(list(words), max_concurrency=most)
            yield (
                lambda trial: judged_all(
                    judge.setup, trial.ask, trial.setting, concurrency=most, on_progress=_untold
                ),
                [principle.text for principle in judge.principles()],
            )


def _untold(count):
    """Cells are what is told of."""


class MLflow:
    """MLflow's MemAlign judge, of the same name, instructions, values, model and embeddings.

    Attributes:
        described: What its cells are kept under, besides the cell.
    """

    described = "MLflow"

    def __init__(self, spec, options):
        self._spec = spec
        self._options = options

    def can(self, cell):
        """Whether it can be asked a cell: it has no way to leave a memory out."""
        return cell.shown == "both"

    @contextmanager
    def taught(self, words):
        """What answers trials after these words, and the guidelines that it learned."""
        from quality_mlflow import asked, guidelines, served, taught

        with served(self._spec, self._options) as size:
            judge = taught(self._spec, words, self._options, size)
            yield (
                lambda trial: asked(judge, trial, self._spec.value_type, self._options.concurrency),
                list(guidelines(judge)),
            )
