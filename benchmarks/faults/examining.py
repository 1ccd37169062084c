"""Whether a memory that was stopped holds what it must, and nothing that it must not."""

import shutil
from collections import Counter

from deeds import Unfinished, forgetting, ids_of
from place import held, marker

QUESTION = {"inputs": "My parcel is late, where is it?", "outputs": "It will come, wait."}


def examine(place, ledger, *, opened=None):
    """Look at a memory, finish what was stopped, learn, judge, export, and look at the files.

    Args:
        place: Where it is.
        ledger: What it was told; brought up to date.
        opened: A judge that has it open and goes on with it; else it is opened anew.

    Returns:
        What is wrong, a line each.
    """
    stopped = ledger.underway
    judge = opened or place.open()
    try:
        wrong = ledger.settle(held(judge, ledger.names))
        if place.is_directory and opened is None:
            # What is forgotten is in no file as soon as the memory is open again.
            wrong += [f"left: {n}" for n in place.found(ledger.gone, place.memory)]
        if stopped is not None and stopped.forgets:
            report = judge.forget(ids_of(judge, stopped.forgets) or ["none"])
            if "not scrubbed" in report.guarantee:
                judge.memory.scrub()
            for rule in judge.principles():
                if any(marker(name) in rule.text for name in stopped.forgets):
                    judge.remove_principle(rule.id, erase=True)
        wrong += _learned(judge)
        if problem := judge.invoke(QUESTION).recall_problem:
            wrong.append(f"judged without memory: {problem}")
        judge.memory.export_jsonl(place.exports / "export.jsonl")
    finally:
        if opened is None:
            judge.memory.close()
    if stopped is not None and stopped.clears and opened is None:
        for name in stopped.forgets:
            try:
                forgetting(name).blocking()
            except Unfinished as error:
                wrong.append(f"repeated: {error}")
    if opened is None:
        ledger.repeated()
    shutil.rmtree(place.incoming)
    place.incoming.mkdir()
    return wrong + _left(place, ledger)


def _learned(judge):
    """What is wrong with what was learned: nothing may wait, stand alone, or stand twice."""
    judge.align([])
    wrong = [f"not learned: {e.id} {e.rationale}" for e in judge.episodes(status="pending")]
    there = {episode.id: episode for episode in judge.episodes()}
    rules = [rule for rule in judge.principles() if rule.origin == "distilled"]
    wrong += [f"without source: {r.text}" for r in rules if not there.keys() >= {*r.episode_ids}]
    texts = Counter(rule.text for rule in rules)
    wrong += [f"learned twice: {text}" for text, times in texts.items() if times > 1]
    cited = {id_ for rule in rules for id_ in rule.episode_ids}
    return wrong + [f"no rule of: {there[id_].rationale}" for id_ in there.keys() - cited]


def _left(place, ledger):
    wrong = [f"leaked, memory: {n}" for n in place.found(ledger.gone, *place.kept())]
    wrong += [f"leaked, exports: {n}" for n in place.found(ledger.gone, place.exports)]
    wrong += [f"leaked, reviews: {n}" for n in place.reviewed(ledger.cleared)]
    return wrong + [f"leaked, temporary: {n}" for n in place.found(ledger.gone, place.temporary)]
