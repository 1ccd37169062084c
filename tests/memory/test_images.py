"""What a change did can be taken back exactly, on both stores."""

import pytest
from fakes import CountingEmbeddings, ScriptedModel, principle, verdict

from langchain_memalign import Feedback, MemAlignJudge, Memory
from langchain_memalign._memory import images
from langchain_memalign._stores.base import Selection
from langchain_memalign._sync.transactions import transact

CASE = {"inputs": "Where is my parcel?", "outputs": "It comes on Monday."}
OTHER = {"inputs": "Where is my refund?", "outputs": "It is under way."}


pytestmark = pytest.mark.enable_socket


@pytest.fixture(params=["edge", "server"])
def memory(request, tmp_path):
    if request.param == "edge":
        opened = Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings())
    else:
        opened = request.getfixturevalue("deployed").open_memory(CountingEmbeddings())
    yield opened
    opened.close()


def relation_to_first(relation, text):
    """A model whose rules stand in some relation to the first that it knows."""

    def respond(request):
        if request.title == "verdict":
            return verdict(True)
        if request.title == "decisions":
            return {"decisions": []}
        known = "P1" if 'id="P1"' in request.prompt else ""
        rule = principle(text, *request.record_ids)
        if known:
            rule |= {"relation": relation, "target": known}
        return {"principles": [rule]}

    return respond


def judge_over(memory, respond):
    return MemAlignJudge(
        name="tone",
        instructions="Is it kind?",
        value_type=bool,
        model=ScriptedModel(respond=respond),
        memory=memory,
    )


def exported(memory, path):
    memory.export_jsonl(path)
    return path.read_bytes()


def recorded(do):
    kept = []
    with images.recording(kept.extend):
        do()
    # As the review file keeps them.
    return [images.Image.model_validate_json(image.model_dump_json()) for image in kept]


def take_back(memory, kept):
    records = memory.records

    def plan():
        points = records.scan(Selection(ids=tuple({image.id for image in kept})))
        return images.plan_restoring(
            kept, {point.id: images.learned_record(point) for point in points}
        )

    return transact(records, plan)


@pytest.mark.parametrize(
    ("relation", "text"),
    [("add", "Name a date."), ("same", "Be kind."), ("replaces", "Be kind, and name a date.")],
)
def test_an_answer_taken_back_leaves_the_memory_as_it_was(memory, tmp_path, relation, text):
    judge_over(memory, relation_to_first("add", "Be kind.")).align(
        [Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")]
    )
    before = exported(memory, tmp_path / "before")
    judge = judge_over(memory, relation_to_first(relation, text))

    kept = recorded(
        lambda: judge.align([Feedback(**OTHER, value=False, rationale="No date.", reviewer="ben")])
    )
    assert exported(memory, tmp_path / "after") != before
    assert take_back(memory, kept) == ()

    assert exported(memory, tmp_path / "restored") == before


def test_changed_words_taken_back_return_as_they_were(memory, tmp_path):
    judge = judge_over(memory, relation_to_first("add", "Be kind."))
    judge.align([Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")])
    before = exported(memory, tmp_path / "before")

    kept = recorded(
        lambda: judge.align([Feedback(**CASE, value=True, rationale="Kind.", reviewer="ann")])
    )
    take_back(memory, kept)

    assert exported(memory, tmp_path / "restored") == before


@pytest.mark.parametrize("deed", ["add", "edit", "retire"])
def test_rules_by_hand_taken_back_return_as_they_were(memory, tmp_path, deed):
    judge = judge_over(memory, relation_to_first("add", "Be kind."))
    judge.align([Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")])
    (rule,) = judge.principles()
    before = exported(memory, tmp_path / "before")

    kept = recorded(
        {
            "add": lambda: judge.add_principle("Never blame the customer."),
            "edit": lambda: judge.edit_principle(rule.id, "Be very kind."),
            "retire": lambda: judge.remove_principle(rule.id),
        }[deed]
    )
    take_back(memory, kept)

    assert exported(memory, tmp_path / "restored") == before


def test_what_others_built_on_is_not_taken_back(memory, tmp_path):
    judge = judge_over(memory, relation_to_first("same", "Be kind."))
    kept = recorded(
        lambda: judge.align([Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")])
    )
    judge.align([Feedback(**OTHER, value=False, rationale="Unkind, too.", reviewer="ben")])
    before = exported(memory, tmp_path / "before")

    (rule,) = judge.principles()
    assert take_back(memory, kept) == (rule.id,)

    assert exported(memory, tmp_path / "after") == before


def test_taking_back_twice_changes_nothing_more(memory, tmp_path):
    judge = judge_over(memory, relation_to_first("add", "Be kind."))
    judge.align([Feedback(**OTHER, value=False, rationale="No date.", reviewer="ben")])
    before = exported(memory, tmp_path / "before")
    kept = recorded(
        lambda: judge.align([Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")])
    )

    take_back(memory, kept)
    assert take_back(memory, kept) == ()

    assert exported(memory, tmp_path / "restored") == before


def test_nothing_is_written_that_could_not_be_recorded(memory, tmp_path):
    judge = judge_over(memory, relation_to_first("add", "Be kind."))
    before = exported(memory, tmp_path / "before")

    def full(_):
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"), images.recording(full):
        judge.align([Feedback(**CASE, value=False, rationale="Unkind.", reviewer="ann")])

    assert exported(memory, tmp_path / "after") == before
