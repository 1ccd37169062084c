"""Answering cases one after another, without a browser."""

import pytest
from fakes import one_rule_a_record

from langchain_memalign.reviews import DeskSettings

from .desk import Visitor, text_of, until, waiting_case


def test_the_next_case_is_shown_with_the_question_and_both_texts(ann):
    ann.get("/queue")
    assert "Is the reply appropriate for an upset customer?" in ann.shown()
    assert "The customer wrote Parcel 1 is a week late. Where is it?" in ann.shown()
    assert "Case 1 of 5" in ann.shown()
    assert "Appropriate" in ann.shown()


def test_an_answer_is_in_the_file_before_the_next_case_comes(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")

    (answer,) = bench.desk.answers.last_of("Ann Becker")
    assert (answer.value, answer.reason, answer.label) == (False, "Say sorry first.", "T-1")
    assert "Parcel 2" in ann.shown()
    assert "Case 2 of 5" in ann.shown()


def test_an_answer_is_learned_behind_the_page(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    assert "One rule added." in ann.learned(1)

    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.rationale, episode.reviewer, episode.status) == (
        False,
        "Say sorry first.",
        "Ann Becker",
        "distilled",
    )
    assert [rule.text for rule in bench.judge.principles()] == ["Rule: Say sorry first."]


def test_agreeing_teaches_the_judges_own_value(bench, ann):
    bench.read_all()
    ann.get("/queue/c1")
    assert "Agree with the judge" in ann.shown()

    ann.post("/queue/c1/answer", decision="approve", reason="")
    ann.learned(1)

    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_value, episode.unseen) == (True, True, False)


def test_what_the_judge_had_said_goes_into_its_track_record(bench, ann):
    bench.read_all()
    ann.post("/queue/c1/answer", decision="approve", reason="")
    ann.answer("c2", "false")
    ann.learned(2)

    found = bench.judge.agreement()
    assert (found.agreement.count, found.agreement.cases, found.unasked) == (1, 2, 0)


def test_an_answer_before_the_judge_was_shown_is_unseen(make_bench):
    bench = make_bench(settings=DeskSettings(blind=True))
    ann = Visitor(bench.page)
    bench.read_all()
    page = ann.get("/queue/c1").text
    assert "Because." not in page
    assert "Agree with the judge" not in page

    ann.answer("c1", "false")
    assert "You said Not appropriate" in ann.shown()
    assert "The judge had said Appropriate : Because." in ann.shown()
    ann.learned(1)

    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_value, episode.unseen) == (False, True, True)


def test_who_looks_before_answering_has_seen_the_judge(make_bench):
    bench = make_bench(settings=DeskSettings(blind=True))
    ann = Visitor(bench.page)
    bench.read_all()
    ann.get("/queue/c1")
    assert "Because." in ann.post("/queue/c1/show").text

    ann.answer("c1", "false")
    ann.learned(1)

    assert [e.unseen for e in bench.judge.episodes()] == [False]


def test_a_reason_alone_is_an_answer(bench, ann):
    ann.answer("c1", reason="Never promise a date.")
    ann.learned(1)
    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.rationale) == (None, "Never promise a date.")


def test_nothing_at_all_is_no_answer(bench, ann):
    response = ann.answer("c1")
    assert response.status_code == 422
    assert "Nothing is chosen or written yet" in ann.shown()
    assert bench.desk.answers.last_of("Ann Becker") == []


@pytest.mark.parametrize("typed", ["7", "seven", "-1"])
def test_a_number_off_the_scale_is_refused_with_an_example(make_bench, typed):
    schema = {"type": "number", "minimum": 0, "maximum": 1}
    ann = Visitor(make_bench(value_type=schema).page)
    response = ann.answer("c1", typed, "Too long.")
    assert response.status_code == 422
    assert f"Found {typed}. Give a number from 0 to 1, such as 0.7." in ann.shown()
    assert "Too long." in response.text  # the text is kept
    assert 'aria-invalid="true"' in response.text


@pytest.mark.parametrize("typed", ["0.7", "0,7", " .7 "])
def test_a_number_is_read_as_people_type_it(make_bench, typed):
    schema = {"type": "number", "minimum": 0, "maximum": 1}
    bench = make_bench(value_type=schema, respond=says_half)
    ann = Visitor(bench.page)
    ann.answer("c1", typed)
    ann.learned(1)
    assert [e.value for e in bench.judge.episodes()] == [0.7]


def says_half(request):
    reply = one_rule_a_record(request)
    return reply | {"value": 0.5} if request.title == "verdict" else reply


def test_a_scale_has_its_numbers_as_keys_and_words(make_bench):
    bench = make_bench(
        value_type={"type": "integer", "minimum": 1, "maximum": 5},
        respond=lambda r: one_rule_a_record(r) | ({"value": 4} if r.title == "verdict" else {}),
        wording={"values": [["Dangerous", "Could harm"], "Poor", "Usable", "Good", "Send it"]},
    )
    ann = Visitor(bench.page)
    ann.get("/queue")
    assert "1 · Dangerous" in ann.shown()
    assert "Could harm" in ann.shown()
    assert 'data-key="5"' in ann.last.text
    assert "What makes it this number, and not the next one up?" in ann.shown()
    ann.answer("c1", "1", "The dose is wrong.")
    ann.learned(1)
    assert [e.value for e in bench.judge.episodes()] == [1]


def test_more_than_ten_labels_have_a_field_to_find_one(make_bench):
    labels = [f"Category {n}" for n in range(12)]
    ann = Visitor(make_bench(value_type={"enum": labels}, respond=lambda r: {}).page)
    ann.get("/queue")
    assert "Find an answer" in ann.shown()
    assert all(label in ann.shown() for label in labels)


def test_a_skipped_case_comes_last_with_its_draft(bench, ann):
    ann.post("/queue/c1/skip", value="false", reason="Half a thou")
    assert "Parcel 2" in ann.shown()
    for n in (2, 3, 4, 5):
        ann.answer(f"c{n}", "true")
    ann.get("/queue")
    assert "Parcel 1 is" in ann.shown()
    assert "Half a thou" in ann.shown()


def test_a_case_left_out_does_not_come_back_for_this_person_only(bench, ann):
    ann.post("/queue/c1/leave")
    assert "Case 1 of 4" in ann.shown()
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.get("/queue")
    assert "Parcel 1" in ben.shown()


def test_a_lead_leaves_a_case_out_for_everybody(bench, ann):
    ann.post("/queue/c1/leave?all=1")
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.get("/waiting")
    assert "T-1 " not in ben.shown()


def test_a_draft_is_kept(bench, ann):
    assert ann.post("/queue/c1/draft", value="false", reason="Half a thou").status_code == 204
    again = Visitor(bench.page)
    again.get("/queue/c1")
    assert "Half a thou" in again.last.text
    assert 'value="false" aria-keyshortcuts="2" data-key="2" checked' in again.last.text.replace(
        'class="judges" ', ""
    )


def test_a_draft_that_arrives_after_its_answer_is_dropped(bench, ann):
    csrf = ann.csrf()
    ann.answer("c1", "false", "Say sorry first.")
    ann.post("/queue/c1/draft", csrf=csrf, reason="Say sorry fir")
    assert bench.desk.table.draft("Ann Becker", "c1") is None


def test_two_people_are_given_different_cases(bench, ann):
    ann.get("/queue")
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.get("/queue")
    assert "Parcel 1" in text(ann)
    assert "Parcel 2" in text(ben)
    ben.get("/waiting")
    assert "Ann Becker" in ben.shown()


def text(visitor):
    return visitor.shown()


def test_who_answers_a_case_that_was_answered_meanwhile_is_asked(bench, ann):
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.get("/queue/c1")
    ann.answer("c1", "true")

    response = ben.answer("c1", "false", "Too cold.")
    assert response.status_code == 409
    assert "Ann answered this case" in ben.shown()
    assert "Too cold." in response.text
    assert len(bench.desk.answers.on(case_id="c1")) == 1

    ben.answer("c1", "false", "Too cold.", anyway="1")
    ben.learned(2)
    assert {e.reviewer: e.value for e in bench.judge.episodes()} == {
        "Ann Becker": True,
        "Ben Hartmann": False,
    }


def test_saving_twice_asks_before_it_changes_the_first(bench, ann):
    ann.answer("c1", "true")
    response = ann.answer("c1", "false")
    assert response.status_code == 409
    assert "You have already answered this" in ann.shown()
    assert "Change it to Not appropriate" in ann.shown()
    ann.answer("c1", "false", anyway="1")
    ann.learned(2)
    assert [e.value for e in bench.judge.episodes()] == [False]


def test_a_case_needs_as_many_answers_as_the_lead_says(make_bench):
    bench = make_bench(settings=DeskSettings(needed=2))
    ann, ben, carla = (Visitor(bench.page).call_me(n) for n in ("Ann", "Ben", "Carla"))
    ann.answer("c1", "true")
    ben.get("/waiting")
    assert "T-1 " in ben.shown()
    ben.answer("c1", "true")
    carla.get("/waiting")
    assert "T-1 " not in carla.shown()


def test_only_doubtful_cases_are_asked_about(make_bench):
    bench = make_bench(settings=DeskSettings(policy="never"))
    ann = Visitor(bench.page)
    ann.get("/queue")
    assert "Nothing waits for you" in ann.shown()
    ann.get("/queue/c3")  # opened by hand
    assert "Opened by you" in ann.shown()


def test_no_answer_of_the_judge_says_why_and_can_be_asked_again(make_bench):
    refused = RuntimeError("the provider is down")
    bench = make_bench(respond=lambda request: refused)
    ann = Visitor(bench.page)
    ann.get("/queue")
    bench.read_all()
    ann.get("/queue/c1")
    assert "No answer" in ann.shown()
    assert "Asked because the judge has no answer" in ann.shown()

    bench.model.respond = one_rule_a_record
    ann.post("/queue/c1/reread")
    until(lambda: ann.get("/queue/c1/verdict", htmx=True).status_code == 200)
    assert "Because." in ann.shown()


def test_an_answer_that_cannot_be_learned_waits_and_is_tried_again(make_bench):
    bench = make_bench(respond=failing_to_distil)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    assert "Your answer is saved. It is not learned yet." in ann.learned(1)

    bench.model.respond = one_rule_a_record
    ann.post("/answers/1/retry")
    until(lambda: bench.desk.answers.get(1).state == "learned")
    assert [rule.text for rule in bench.judge.principles()] == ["Rule: Say sorry first."]


def failing_to_distil(request):
    if request.title == "verdict":
        return one_rule_a_record(request)
    return RuntimeError("the provider is down")


def test_what_was_answered_in_the_terminal_is_not_asked_again(make_bench, tmp_path):
    from langchain_memalign.reviews.threads import ReviewThreads

    bench = make_bench()
    with ReviewThreads(bench.reviews) as threads:
        case = bench.cases[0].case
        thread = threads.thread(bench.judge.spec, "Ann Becker", case)
        threads.begin(thread, case)
        threads.finish(thread, "edit")
    ann = Visitor(bench.page)
    ann.get("/queue")
    assert "Parcel 2" in ann.shown()


def test_pairs_are_shown_in_either_order_and_saved_as_what_they_are(make_bench):
    cases = [
        waiting_case(n, outputs={"A": "It comes tomorrow.", "B": "We are sorry."})
        for n in range(1, 9)
    ]
    bench = make_bench(
        value_type={"enum": ["A", "B", "tie"]},
        respond=lambda r: one_rule_a_record(r) | ({"value": "A"} if r.title == "verdict" else {}),
        cases=[c for n, c in enumerate(cases) if n == 0] or cases,
        settings=DeskSettings(blind=True),
    )
    from langchain_memalign.web.queue import is_swapped

    swapped = is_swapped("Ann Becker", "c1")
    ann = Visitor(bench.page)
    page = ann.get("/queue/c1").text
    first = page.index("We are sorry.") < page.index("It comes tomorrow.")
    assert first == swapped
    # "A is better" means the one on the left, whichever that is.
    key = '"B"' if swapped else '"A"'
    ann.answer("c1", key)
    assert "You said A is better" in ann.shown()
    ann.learned(1)
    assert [e.value for e in bench.judge.episodes()] == [key.strip('"')]


def test_the_model_is_not_waited_for(make_bench):
    import threading

    hold = threading.Event()

    def slow(request):
        hold.wait(30)
        return one_rule_a_record(request)

    bench = make_bench(respond=slow)
    try:
        ann = Visitor(bench.page)
        ann.get("/queue")
        assert "The judge is reading this case" in ann.shown()
        ann.answer("c1", "false", "Say sorry first.")
        assert "Parcel 2" in ann.shown()
        (answer,) = bench.desk.answers.last_of("Ann Becker")
        assert (answer.unseen, answer.outcome) == (True, None)
    finally:
        hold.set()


def test_waiting_cases_are_found_by_their_words_and_their_names(ann):
    assert "T-3 Parcel 3" in text_of(ann.get("/waiting?q=PARCEL+3").text)
    assert "T-2 " not in ann.shown()
    assert "T-4 Parcel 4" in text_of(ann.get("/waiting?q=t-4").text)
    assert "Nothing fits." in text_of(ann.get("/waiting?q=nowhere").text)


def test_who_saw_the_judges_answer_in_the_list_has_seen_it(bench, ann):
    until(lambda: "c2" in bench.desk.readings.states(), "the judge did not work ahead")
    ann.get("/waiting")
    ann.answer("c2", "false")
    assert bench.desk.answers.get(1).unseen is False


def test_blind_nobody_sees_a_colleagues_answer_before_their_own(make_bench):
    bench = make_bench(settings=DeskSettings(blind=True))
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c1", "true")
    assert "Ann answered this case" in ben.shown()
    assert "See Ann" not in ben.shown()
    assert "Say sorry first." not in ben.get("/answers/1").text
    assert ben.get("/answers/1/events").status_code == 404
    ben.answer("c1", "true", anyway="1")
    assert "What others said Ann Becker" in ben.shown()
    assert "Say sorry first." in ben.get("/answers/1").text


def test_what_a_rule_came_from_shows_a_colleagues_answer_and_counts_as_seen(make_bench):
    bench = make_bench(settings=DeskSettings(blind=True))
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    rule = bench.judge.principles()[0]
    assert "Say sorry first." in ben.get(f"/rules?open={rule.id}").text
    ben.answer("c1", "true", anyway="1")
    assert bench.desk.answers.get(2).unseen is False


def test_who_is_asked_again_sees_what_others_said_after_the_answer(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c1", "true", anyway="1")
    ben.learned(2)
    key = bench.cases[0].case.key
    ann.post(f"/conflicts/{key}/ask", who="Ben Hartmann")
    assert "Say sorry first." not in ben.get("/queue/c1").text
    ben.answer("c1", "true", "It says when.")
    assert "What others said Ann Becker" in ben.shown()
    assert "Say sorry first." in ben.shown()


def test_a_judge_that_knows_nothing_says_so_and_what_helps(make_bench):
    bench = make_bench(respond=lambda request: {"value": None, "rationale": "", "relied_on": []})
    ann = Visitor(bench.page)
    bench.read_all()
    ann.get("/queue/c1")
    assert "The judge knows nothing yet Answer ten or so cases with a reason" in ann.shown()


def test_how_sure_a_verdict_is_is_said_in_the_words_of_the_page():
    from langchain_memalign._values.confidence import how_sure
    from langchain_memalign.schema import Verdict
    from langchain_memalign.schema.probabilities import Probabilities

    from .test_words import words_for

    verdict = Verdict(
        value=True,
        rationale="",
        confidence=0.83,
        raw_value=False,
        probabilities=Probabilities({True: 0.83, False: 0.17}),
    )
    words = words_for(bool, values={True: "Kind", False: "Unkind"})
    said = " ".join(how_sure(verdict, words.of))
    assert "Confidence that an expert agrees: 83 %" in said
    assert "The model itself said Unkind" in said
    assert "Kind 83 %, Unkind 17 %" in said


def test_agreeing_is_with_the_answer_that_was_seen(bench, ann):
    bench.read_all()
    page = ann.get("/queue/c1").text
    assert 'name="agreed" value="true"' in page
    reading = bench.desk.readings.get("c1")
    turned = reading.outcome.model_copy(update={"value": False})
    bench.desk.readings.put(reading.model_copy(update={"outcome": turned}))

    given = {"decision": "approve", "agreed": "true"}
    assert ann.post("/queue/c1/answer", **given).status_code == 409
    assert "The judge now says: Not appropriate You saw: Appropriate." in ann.shown()
    assert "Save Appropriate Save Not appropriate" in ann.shown()
    assert bench.desk.answers.on(case_id="c1") == []

    ann.answer("c1", "true", **given)
    (answer,) = bench.desk.answers.on(case_id="c1")
    assert (answer.value, answer.decision) == (True, "edit")


def test_a_pair_in_the_other_order_is_spoken_of_in_that_order(make_bench):
    from langchain_memalign.web.queue import is_swapped

    cases = [waiting_case(n, outputs={"A": f"Tomorrow {n}.", "B": "Sorry."}) for n in range(1, 9)]
    bench = make_bench(
        value_type={"enum": ["A", "B", "tie"]},
        respond=lambda r: one_rule_a_record(r) | ({"value": "A"} if r.title == "verdict" else {}),
        cases=[case for case in cases if is_swapped("Ann Becker", case.id)][:2],
        settings=DeskSettings(blind=True),
    )
    ann, case = Visitor(bench.page), bench.cases[0].id
    ann.get(f"/queue/{case}")
    bench.read_all()
    ann.post(f"/queue/{case}/show")
    assert "The judge’s answer B is better" in ann.shown()
    ann.post(f"/queue/{case}/answer", decision="approve", agreed='"A"')
    ann.get("/queue")
    assert "T-" in ann.shown()
    assert "· B is better" in ann.shown()
    ann.get("/answers/1")
    assert "You said B is better" in ann.shown()
    ann.learned(1)
    assert [e.value for e in bench.judge.episodes()] == ["A"]
    # The judge was shown the two as they are, and the expert agreed with it.
    assert bench.judge.agreement().agreement.count == 1
