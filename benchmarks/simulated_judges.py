"""Judges and experts with known habits, for track records of any length."""

import math
import random

from langchain_memalign._calibration.track import Track, TrackCase
from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import JudgeRecord, NearCase, Probabilities

BOOLEAN = ValueType.parse(bool)
SHARE = ValueType.parse("0.0-1.0")
STARS = ValueType.parse("1-5")
LABELS = ValueType.parse(["good", "fair", "bad"])


def case(expert, judge, *, told=None, near=()):
    return TrackCase(
        expert, judge, JudgeRecord(said_by="it", value=judge, probabilities=told, near=near)
    )


def habits(right_of_true, right_of_false, *, share_true=0.5):
    """Experts, and a judge with that true positive rate and true negative rate."""

    def draw(rng):
        expert = rng.random() < share_true
        right = rng.random() < (right_of_true if expert else right_of_false)
        return case(expert, expert if right else not expert)

    return draw


def overconfident(factor):
    """A judge whose log odds are too large by that factor."""

    def draw(rng):
        odds = rng.gauss(0, 1.5)
        expert = rng.random() < 1 / (1 + math.exp(-odds))
        told = min(0.999, max(0.001, 1 / (1 + math.exp(-factor * odds))))
        return case(expert, told >= 0.5, told=Probabilities({True: told, False: 1 - told}))

    return draw


def with_precedents(how_often_right):
    """A judge that is right in 80 of 100, before past cases that are right so often."""

    def draw(rng):
        expert = rng.random() < 0.5
        near = tuple(
            NearCase(
                episode_id=f"{n}",
                similarity=rng.uniform(0.2, 0.9),
                value=expert if rng.random() < how_often_right else not expert,
            )
            for n in range(5)
        )
        return case(expert, expert if rng.random() < 0.8 else not expert, near=near)

    return draw


def generous(rng):
    """A judge of stars that gives about one too many."""
    expert = rng.randint(1, 5)
    return case(expert, min(5, max(1, round(expert + 1 + rng.gauss(0, 0.5)))))


def noise(rng):
    """Experts and a judge that have nothing to do with each other."""
    return case(rng.random() < 0.5, rng.random() < 0.5)


def labels_right(how_often):
    """A judge of labels that is right so often, whichever it gives."""

    def draw(rng):
        expert = rng.choice(LABELS.labels)
        wrong = [label for label in LABELS.labels if label != expert]
        return case(expert, expert if rng.random() < how_often else rng.choice(wrong))

    return draw


def track(draw, count, *, seed=0, value_type=BOOLEAN):
    rng = random.Random(seed)
    return Track(value_type, tuple(draw(rng) for _ in range(count)))
