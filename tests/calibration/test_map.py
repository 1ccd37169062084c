"""The map from a judge's answers to the experts', on judges whose habits are known."""

import math
import random

import pytest

from langchain_memalign._calibration.agreement import calibration_of

from .simulated import (
    SHARE,
    STARS,
    case,
    generous,
    habits,
    noise,
    overconfident,
    track,
    with_precedents,
)


def says(record, judged):
    return record.says(judged.said, judged.record)


def log_loss(record, cases):
    """Of what the track record makes of new cases."""
    found = [says(record, one).probabilities[one.value] for one in cases]
    return -sum(map(math.log, found)) / len(found)


def test_nothing_is_known_of_a_new_judge():
    empty = track(noise, 0)
    found = says(empty, case(True, True))
    assert (found.value, found.probabilities, found.confidence) == (True, None, None)
    assert "found 0 cases" in calibration_of(empty).why


def test_a_known_confusion_is_recovered():
    record = track(habits(0.97, 0.25), 400)
    assert record.is_calibrated
    # Of what it calls true 0.97 / (0.97 + 0.75) is; of what it calls false 0.25 / (0.25 + 0.03).
    assert says(record, case(True, True)).confidence == pytest.approx(0.56, abs=0.06)
    assert says(record, case(True, False)).confidence == pytest.approx(0.89, abs=0.06)


def test_a_judge_that_is_mostly_wrong_is_turned_round():
    record = track(habits(0.1, 0.1), 100)
    found = says(record, case(True, True))
    assert found.value is False
    assert found.confidence > 0.8


def test_overconfident_probabilities_are_brought_down():
    record = track(overconfident(3.0), 300)
    rng = random.Random(7)
    new = [overconfident(3.0)(rng) for _ in range(500)]
    raw = -sum(math.log(one.record.probabilities[one.value]) for one in new) / len(new)
    assert record.is_calibrated
    assert log_loss(record, new) < raw - 0.1


def test_precedents_that_know_better_are_listened_to():
    record = track(with_precedents(0.9), 100)
    new = [with_precedents(0.9)(random.Random(seed)) for seed in range(300)]
    right = sum(says(record, one).value == one.value for one in new)
    as_said = sum(one.said == one.value for one in new)
    assert right > as_said + 30


def test_a_generous_judge_of_stars_is_corrected():
    record = track(generous, 100, value_type=STARS)
    assert record.is_calibrated
    assert [says(record, case(1, stars)).value for stars in (2, 3, 4)] == [1, 2, 3]
    found = says(record, case(1, 3))
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.confidence == found.probabilities[2]


def test_on_a_long_scale_near_is_agreement():
    def low(rng):
        expert = rng.random()
        return case(expert, min(1.0, max(0.0, expert * 0.5 + rng.gauss(0, 0.02))))

    record = track(low, 150, value_type=SHARE)
    found = says(record, case(0.8, 0.4))
    assert found.value == pytest.approx(0.8, abs=0.07)
    assert 0.6 < found.confidence <= 1


@pytest.mark.parametrize("count", [20, 50])
def test_noise_keeps_the_map_out_at_its_nominal_rate(count):
    used = sum(track(noise, count, seed=seed).is_calibrated for seed in range(80))
    # One standard error is exceeded by chance in 16 of 100; three in a hundred more by ours.
    assert used / 80 <= 0.16 + 3 * math.sqrt(0.16 * 0.84 / 80)


def test_without_the_map_confidence_is_how_often_experts_agreed_with_such_an_answer():
    right, wrong = case(True, True), case(False, True)
    record = track(lambda rng: right, 5)
    many = [*record.cases, wrong, case(False, False), case(False, False)]
    mixed = type(record)(record.value_type, tuple(many))
    assert not mixed.is_calibrated
    trusted, doubted = says(mixed, case(True, True)), says(mixed, case(True, False))
    assert 0.7 < trusted.confidence < doubted.confidence < 1


def test_each_case_is_left_out_of_what_is_made_of_it():
    record = track(habits(0.9, 0.6), 60)
    for number in (0, 20, 59):
        others = record.cases[:number] + record.cases[number + 1 :]
        rest = type(record)(record.value_type, others)
        exact = rest.says(record.cases[number].said, record.cases[number].record)
        assert record.without_each[number].confidence == pytest.approx(exact.confidence, abs=0.02)
