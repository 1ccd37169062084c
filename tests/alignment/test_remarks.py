"""No expert's remark is lost in distilling, and nothing is learned that says nothing."""

import re

import pytest
from fakes import HttpError, feedback, one_rule_a_record, principle, verdict

EMPTY = "Always provide a clear and concise reply."
INSTRUCTIONS = "Does the reply to a customer keep to the rules of our house?"
HOUSE_RULES = [
    "Never promise a day.",
    "A refund needs its RF number.",
    "We never blame the courier.",
    "Broken goods: ask for a photo first.",
    "Sign with your first name.",
    "No vouchers or discounts, ever.",
]


def taught(*remarks):
    """A batch of feedback with these remarks, in order; None is a value alone."""
    return [feedback(n, rationale=remark) for n, remark in enumerate(remarks, 1)]


def remarks_in(request):
    """The remarks that a distilling call shows, by the ids of their records."""
    found = re.findall(
        r'<record id="(R\d+)">.*?<expert[^>]*>(.*?)</expert>', request.prompt, re.DOTALL
    )
    return {name: said for name, said in found if said.strip()}


def known_in(request):
    """The known principles that a distilling call shows, by their ids."""
    return dict(re.findall(r'<principle id="(P\d+)">(.*?)</principle>', request.prompt))


def by_turns(*answers):
    """A model whose distilling calls are answered in turn; the last answer stays."""
    left = list(answers)

    def respond(request):
        if request.title != "principles":
            return one_rule_a_record(request)
        answer = left.pop(0) if len(left) > 1 else left[0]
        rules = answer(request) if callable(answer) else answer
        return rules if isinstance(rules, Exception) else {"principles": rules}

    return respond


def a_rule_each(request):
    return [principle(f"Rule: {said}", name) for name, said in remarks_in(request).items()]


def sources(bench):
    """The remarks of the sources of each principle, by its text."""
    remark = {e.id: e.rationale for e in bench.judge.episodes()}
    return {p.text: sorted(map(remark.get, p.episode_ids)) for p in bench.judge.principles()}


def test_a_remark_that_nothing_came_of_is_asked_about_again(make_bench):
    bench = make_bench(by_turns([principle("Rule: first.", "R1")], a_rule_each))
    report = bench.judge.align(taught("Be warm.", "Be brief.", "Be true."))
    first, again = bench.model.titled("principles")
    assert len(remarks_in(again)) == 2
    assert "Rule: first." in known_in(again).values()
    assert again.system == first.system  # what stands first stays the same, for prompt caches
    assert (report.remarks_covered, report.remarks_verbatim, report.model_calls) == (3, 0, 2)
    assert len(bench.texts()) == 3


def test_a_model_that_never_writes_a_rule_loses_no_remark(make_bench):
    bench = make_bench(by_turns([]))
    report = bench.judge.align(taught("Be warm.", "Be  brief\nand true."))
    assert sources(bench) == {
        "Be warm.": ["Be warm."],
        "Be brief and true.": ["Be  brief\nand true."],
    }
    assert len(report.distilled) == report.remarks_covered == report.remarks_verbatim == 2
    assert "remarks covered  2, 2 of them word for word" in re.sub(" {3,}", "  ", str(report))
    # Both at once, both again, then each alone.
    assert [len(r.record_ids) for r in bench.model.requests] == [2, 2, 1, 1]


def test_asking_again_is_bounded_however_many_remarks_there_are(make_bench):
    bench = make_bench(by_turns([]))
    report = bench.judge.align(taught(*(f"Remark number {n} of many." for n in range(48))))
    assert report.model_calls <= 13
    assert report.remarks_covered == len(bench.judge.principles()) == 48


def test_a_few_are_asked_about_at_a_time_and_then_each_alone(make_bench):
    bench = make_bench(by_turns([]))
    bench.judge.align(taught(*(f"Remark {n}." for n in range(7))))
    assert [len(r.record_ids) for r in bench.model.requests] == [7, 5, 2, *[1] * 7]


@pytest.mark.parametrize(
    "rule",
    [
        {"text": "Stay warm.", "sources": []},
        principle("Stay warm.", "R1", "R2"),
        principle("Stay friendly.", "R1", "R2"),
    ],
    ids=["nothing cited", "one of two said", "none of two said"],
)
def test_a_small_model_is_not_taken_at_its_word(make_bench, rule):
    bench = make_bench(by_turns([rule], a_rule_each), prompt="compact")
    report = bench.judge.align(taught("Stay warm always.", "Refunds need numbers."))
    assert "Rule: Refunds need numbers." in bench.texts()
    assert report.remarks_covered == 2


def test_a_small_model_learns_a_few_records_at_a_time_and_in_turn(make_bench):
    bench = make_bench(by_turns(a_rule_each), prompt="compact")
    bench.judge.align(taught(*(f"Number{n} counts." for n in range(10))))
    calls = bench.model.titled("principles")
    sizes = [len(call.record_ids) for call in calls]
    assert (sum(sizes), max(sizes)) == (10, 4)
    assert [len(known_in(call)) for call in calls] == [0, sizes[0], sizes[0] + sizes[1]]
    assert bench.model.titled("decisions") == []  # nobody learned without knowing of the others


def test_what_a_known_principle_says_is_covered_by_it(make_bench):
    bench = make_bench(
        by_turns(a_rule_each, [principle("Warm.", "R1", relation="same", target="P1")])
    )
    bench.judge.align(taught("Be warm."))
    report = bench.judge.align([feedback(9, rationale="Be warm to them.")])
    assert (report.remarks_covered, report.remarks_verbatim, report.model_calls) == (1, 0, 1)
    assert sources(bench) == {"Rule: Be warm.": ["Be warm to them.", "Be warm."]}


def test_a_left_over_remark_may_be_said_by_a_principle_of_the_same_batch(make_bench):
    def same(request):
        (target,) = [name for name, text in known_in(request).items() if text == "Rule: one."]
        return [principle("One.", *remarks_in(request), relation="same", target=target)]

    bench = make_bench(by_turns([principle("Rule: one.", "R1")], same))
    report = bench.judge.align(taught("Be warm.", "Be warmer.", "Be the warmest."))
    assert (report.remarks_covered, report.remarks_verbatim, report.model_calls) == (3, 0, 2)
    assert sources(bench) == {"Rule: one.": ["Be the warmest.", "Be warm.", "Be warmer."]}


def test_a_left_over_remark_may_put_a_principle_of_the_same_batch_better(make_bench):
    def better(request):
        return [principle("Rule: two.", *remarks_in(request), relation="replaces", target="P1")]

    bench = make_bench(by_turns([principle("Rule: one.", "R1")], better))
    report = bench.judge.align(taught("Be warm.", "Be warm, but brief."))
    assert sources(bench) == {"Rule: two.": ["Be warm, but brief.", "Be warm."]}
    assert report.principles_retired == ()


@pytest.mark.parametrize("cited", [["R1", "R2", "R3", "R4", "R5", "R6"], []])
def test_an_empty_rule_is_not_learned_and_the_remarks_are(make_bench, cited):
    bench = make_bench(
        by_turns([principle(EMPTY, *cited)], a_rule_each),
        embeddings="local",
        instructions=INSTRUCTIONS,
    )
    report = bench.judge.align(taught(*HOUSE_RULES))
    assert sorted(bench.texts()) == sorted(f"Rule: {said}" for said in HOUSE_RULES)
    assert (report.remarks_covered, report.remarks_verbatim) == (6, 0)
    (warning,) = report.warnings
    assert EMPTY in warning


@pytest.mark.parametrize(
    "rule",
    [
        "Do not commit to delivery dates.",
        "Money back only with its reference.",
        "Sign each reply.",
        "Never give away money.",
        "Own mistakes instead of pointing at transport.",
        "Keep out of the reply any promise about when goods come.",
    ],
)
def test_a_real_rule_in_words_of_its_own_is_learned(make_bench, rule):
    names = [f"R{i}" for i in range(1, 7)]
    bench = make_bench(
        by_turns([principle(rule, *names)]), embeddings="local", instructions=INSTRUCTIONS
    )
    report = bench.judge.align(taught(*HOUSE_RULES))
    assert bench.texts() == [rule]
    assert report.warnings == ()


def test_an_empty_rule_does_not_take_the_place_of_a_known_one(make_bench):
    bench = make_bench(
        by_turns(
            a_rule_each,
            [principle(EMPTY, "R1", relation="replaces", target="P1")],
            a_rule_each,
        ),
        embeddings="local",
        instructions=INSTRUCTIONS,
    )
    bench.judge.align(taught("Never promise a day."))
    report = bench.judge.align([feedback(9, rationale="A refund needs its RF number.")])
    assert report.principles_retired == ()
    assert bench.texts() == ["Rule: Never promise a day.", "Rule: A refund needs its RF number."]


@pytest.mark.parametrize(("count", "is_learned"), [(1, False), (2, False), (3, True), (5, True)])
def test_values_alone_make_a_pattern_from_three_records_on(make_bench, count, is_learned):
    names = [f"R{i}" for i in range(1, count + 1)]
    bench = make_bench(by_turns([principle("Long answers are good.", *names)]))
    report = bench.judge.align(taught(*[None] * 6))
    assert bench.texts() == (["Long answers are good."] if is_learned else [])
    assert (len(report.distilled), report.remarks_covered, report.model_calls) == (6, 0, 1)
    assert bool(report.warnings) is not is_learned


def test_one_remark_bears_a_rule_out_that_values_alone_would_not(make_bench):
    bench = make_bench(by_turns([principle("Be warm.", "R1", "R2")]))
    bench.judge.align(taught("Be warm.", None))
    assert bench.texts() == ["Be warm."]


def test_a_remark_about_which_the_model_cannot_be_asked_again_stays_pending(make_bench):
    bench = make_bench(by_turns([principle("Rule: first.", "R1")], HttpError(429), a_rule_each))
    report = bench.judge.align(taught("Be warm.", "Be brief."))
    assert (len(report.distilled), len(report.pending), report.remarks_covered) == (1, 1, 1)
    again = bench.judge.align([])
    assert (len(again.distilled), again.remarks_covered, again.pending) == (1, 1, ())


def test_what_is_kept_word_for_word_is_forgotten_with_its_record(make_bench):
    bench = make_bench(by_turns([]))
    bench.judge.align(taught("Be warm.", "Be brief."))
    bench.judge.forget([bench.id_of("Be warm.")], redistill=False)
    assert "Be warm." not in " ".join(bench.texts(retired=True))


async def test_no_remark_is_lost_without_blocking_either(make_bench):
    bench = make_bench(by_turns([principle("Rule: first.", "R1")], []))
    report = await bench.judge.aalign(taught("Be warm.", "Be brief."))
    assert (report.remarks_covered, report.remarks_verbatim) == (2, 1)


def test_a_judge_that_learned_only_remarks_as_they_stand_judges_by_them(make_bench):
    def respond(request):
        return {"principles": []} if request.title == "principles" else verdict(False, "P1")

    bench = make_bench(respond)
    bench.judge.align(taught("Be warm."))
    outcome = bench.judge.invoke({"inputs": "?", "outputs": "!"})
    (learned,) = bench.judge.principles()
    assert outcome.relied_on == (learned.id,)


def test_a_small_model_that_repeats_one_rule_for_all_teaches_the_remarks_instead(make_bench):
    """As a real one was seen to do, whatever it was asked."""
    rule = "A customer's request should be fulfilled, unless there is a valid reason not to."

    def stuck(request):
        return [principle(rule, *remarks_in(request))]

    bench = make_bench(by_turns(stuck), prompt="compact", instructions=INSTRUCTIONS)
    report = bench.judge.align(taught(*HOUSE_RULES))
    assert sorted(bench.texts()) == sorted(HOUSE_RULES)
    assert (report.remarks_covered, report.remarks_verbatim) == (6, 6)
    (warning,) = report.warnings
    assert rule in warning


SAY_NOTHING = [
    *("ok", "OK!", "Ok \N{THUMBS UP SIGN}", "lgtm", "Looks good to me.", "n/a", "None", "-", "..."),
    *("No comment.", "No, nothing.", "No, bad. \N{THUMBS DOWN SIGN}", "Great \N{PARTY POPPER}"),
    *("\N{THUMBS UP SIGN}", "\N{FIRE}\N{FIRE}", "\u200b", "\u2060\ufeff", "Да.", "はい", "4/5"),
]
SHORT_RULES = [
    "Say sorry first.",
    "太冷。",
    "要道歉",
    "무례함",
    "Rude!",
    "Грубо.",
    "18+",
    "No emoji.",
    "No \N{SLIGHTLY SMILING FACE}",
    "No n/a!",
    "Send nothing.",
    "Reject null.",
    "\N{BRAILLE PATTERN DOTS-1345}\N{BRAILLE PATTERN DOTS-135}",
]


@pytest.mark.parametrize("said", SAY_NOTHING)
def test_what_states_no_rule_is_no_remark_that_could_be_lost(make_bench, said):
    bench = make_bench(by_turns([]))
    report = bench.judge.align(taught(said, "Be warm."))
    assert bench.texts() == ["Be warm."]
    assert (len(report.distilled), report.remarks_covered, report.remarks_verbatim) == (2, 1, 1)
    assert said in bench.remarks()


@pytest.mark.parametrize("said", SHORT_RULES)
def test_a_short_remark_in_any_script_may_be_a_rule(make_bench, said):
    bench = make_bench(by_turns([]))
    assert bench.judge.align(taught(said)).remarks_verbatim == 1
    assert bench.texts() == [said]


def test_a_remark_that_repeats_the_value_states_no_rule(make_bench):
    bench = make_bench(by_turns([]), value_type=["refund", "delivery"])
    said = [
        feedback(n, value="refund", rationale=s) for n, s in enumerate(("Refund.", "Delivery."))
    ]
    bench.judge.align(said)
    assert bench.texts() == ["Delivery."]


def test_the_model_is_shown_what_states_no_rule_and_may_make_one_of_it(make_bench):
    bench = make_bench(by_turns(a_rule_each))
    bench.judge.align(taught("ok", "ok", "ok"))
    assert list(remarks_in(bench.model.requests[0]).values()) == ["ok"] * 3


def test_a_principle_that_states_no_rule_is_not_learned(make_bench):
    bench = make_bench(by_turns([principle("OK.", "R1"), principle("Be warm.", "R2")]))
    report = bench.judge.align(taught("Ok.", "Be warm."))
    assert bench.texts() == ["Be warm."]
    (warning,) = report.warnings
    assert "states no rule" in warning


def test_the_offline_model_makes_no_rule_of_what_states_none(make_bench):
    bench = make_bench()
    offline = bench.judge_named("offline", model="precedent")
    report = offline.align(taught("ok", "Be warm.", "n/a"))
    assert [p.text for p in offline.principles()] == ["Be warm."]
    assert (len(report.distilled), report.remarks_covered, report.warnings) == (3, 1, ())


def test_a_small_model_is_asked_about_what_is_left_over_alone_at_once(make_bench):
    """The few that it was shown together it gives the same reply to."""
    bench = make_bench(by_turns([]), prompt="compact")
    bench.judge.align([feedback(9, rationale="No vouchers.")])
    bench.model.requests.clear()
    bench.judge.align(taught("Be warm.", "Be brief.", "Be true."))
    assert [len(r.record_ids) for r in bench.model.requests] == [3, 1, 1, 1]
    # Each time it would give back what it is shown.
    assert [len(known_in(r)) for r in bench.model.requests] == [1, 0, 0, 0]
    assert not any("<principles>" in r.prompt for r in bench.model.requests[1:])


def test_a_reply_that_goes_on_and_on_makes_no_flood_of_rules(make_bench):
    endless = [principle(f"Rule number {n} about days.", "R1") for n in range(500)]
    bench = make_bench(by_turns([*endless, principle("Be warm.", "R2")]))
    report = bench.judge.align(taught("Never promise a day.", "Be warm."))
    assert len(report.principles_added) == 17
    assert "Be warm." in bench.texts()
    assert [w for w in report.warnings if w.startswith("484 more principles")]


def test_many_rules_of_a_batch_that_cite_nothing_are_all_learned(make_bench):
    remarks = [f"Mind point {n}." for n in range(20)]
    bench = make_bench(by_turns([principle(remark) for remark in remarks]))
    bench.judge.align(taught(*remarks))
    assert set(remarks) <= set(bench.texts())


def copied(request, **said):
    """The principles that a distilling call shows, given back as what its records say."""
    known = known_in(request).items()
    return [principle(text, *remarks_in(request), target=name, **said) for name, text in known]


@pytest.mark.parametrize("relation", ["add", "same", "replaces"])
def test_a_small_model_that_copies_what_it_is_shown_changes_nothing_of_it(make_bench, relation):
    """As a real one was seen to do, in each call."""
    bench = make_bench(
        by_turns(a_rule_each, lambda request: copied(request, relation=relation)), prompt="compact"
    )
    bench.judge.align(taught("Never promise a day."))
    bench.judge.align([feedback(9, rationale="No vouchers.")])
    assert sources(bench) == {
        "Rule: Never promise a day.": ["Never promise a day."],
        "No vouchers.": ["No vouchers."],
    }
    assert [e.status for e in bench.judge.episodes()] == ["distilled"] * 2


def test_a_copy_that_says_the_remark_covers_it(make_bench):
    bench = make_bench(by_turns(a_rule_each, copied), prompt="compact")
    bench.judge.align(taught("Never promise a day."))
    report = bench.judge.align([feedback(9, rationale="You promise a day!")])
    assert (report.remarks_verbatim, report.model_calls) == (0, 1)
    assert list(sources(bench).values()) == [["Never promise a day.", "You promise a day!"]]


@pytest.mark.parametrize(
    ("said", "left"), [("Sign with initials.", 2), ("From now on, promise a day.", 1)]
)
def test_a_small_model_replaces_only_what_it_speaks_of(make_bench, said, left):
    def replacing(request):
        return [principle(said, *remarks_in(request), relation="replaces", target="P1")]

    bench = make_bench(by_turns(a_rule_each, replacing), prompt="compact")
    bench.judge.align(taught("Never promise a day."))
    bench.judge.align([feedback(9, rationale=said)])
    assert len(bench.judge.principles()) == left


CHANGES = [
    ("不要承诺退款日期。", "现在可以承诺退款日期。", "署名用缩写。"),
    ("환불 날짜를 약속하지 마세요.", "이제 환불 날짜를 약속하세요.", "서명은 짧게."),
    ("ห้ามสัญญาวันคืนเงิน", "ตอนนี้สัญญาวันคืนเงินได้", "ลงชื่อย่อ"),
    ("दिन का वादा कभी न करें।", "अब दिन का वादा करें।", "छोटा जवाब लिखें।"),
]


@pytest.mark.parametrize(("old", "new", "other"), CHANGES, ids=["zh", "ko", "th", "hi"])
def test_a_small_model_may_change_a_rule_in_any_script(make_bench, old, new, other):
    said = iter((old, new, other))

    def changing(request):
        is_first = not known_in(request)
        relation = {} if is_first else {"relation": "replaces", "target": "P1"}
        return [principle(next(said), *remarks_in(request), **relation)]

    bench = make_bench(by_turns(*[changing] * 3), prompt="compact")
    for number, rationale in enumerate((old, new, other)):
        bench.judge.align([feedback(number, rationale=rationale)])
    assert bench.texts() == [new, other]


def test_what_states_no_rule_does_not_make_an_unfounded_rule_of_a_small_model_one(make_bench):
    bench = make_bench(by_turns([principle("Be ever so brief.", "R1", "R2")]), prompt="compact")
    bench.judge.align(taught("ok", "Never promise a day."))
    assert bench.texts() == ["Never promise a day."]
