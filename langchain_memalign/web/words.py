"""Every text of the page that is more than a label of one template.

All words are here, so that they can be read in one place, tested, and one day translated.
"""

from __future__ import annotations

from dataclasses import dataclass

NO_ANSWER = "No answer"
YES_NO = ("Yes", "No")
PASSES_FAILS = ("Passes", "Does not pass")
PAIR = {
    "A": "A is better",
    "B": "B is better",
    "tie": "As good as each other",
    "TIE": "As good as each other",
    "Tie": "As good as each other",
}
LOWEST = "lowest"
HIGHEST = "highest"
SOMEBODY = "Somebody"
YOU = "You"

SOURCE_STAYS = "The file or program that the waiting cases came from keeps what it has."
OUT_OF_REACH = (
    "Backups and exported files, logs of other programs, answers already sent to other programs, "
    "and what the model’s provider keeps. " + SOURCE_STAYS
)

FIELDS = {
    "inputs": "What came in",
    "outputs": "What was answered",
    "reference_outputs": "What was expected",
}
ROLES = {
    "user": "The user said",
    "assistant": "It answered",
    "system": "Its instructions",
    "developer": "Its instructions",
    "tool": "Got back",
    "function": "Got back",
}

WHY = {
    "unscored": "Asked because the judge has no answer",
    "few": "Asked because few similar cases are known",
    "one": "Asked because only one similar case is known",
    "differ": "Asked because experts answered similar cases differently",
    "spot": "Spot check: drawn at random",
    "again": "Asked again",
    "own": "Opened by you",
    "all": "Every case is asked about",
    "unread": "The judge has not read it yet",
}

WHY_LABEL = "Why?"
MISSED_LABEL = "What did the judge miss?"
REASON_HELP = "One sentence is enough. The judge learns more from your reason than from the answer."
SCALE_HELP = "What makes it this number, and not the next one up?"

POLICIES = {
    "uncertain": (
        "Where the judge is unsure",
        "No answer, few similar cases, or experts who differ on similar ones",
    ),
    "always": ("Every case", ""),
    "never": ("None", "Only what you open yourself"),
}


@dataclass(frozen=True)
class State:
    """What a screen says about a state: a first line, and what follows from it."""

    first: str
    then: str = ""


STATES: dict[str, State] = {
    "empty": State(
        "Nothing waits for you",
        "All {total} cases are answered or were not in doubt. New ones appear here by themselves.",
    ),
    "no_cases": State("Nothing waits for you", "New cases appear here by themselves."),
    "knows_nothing": State(
        "The judge knows nothing yet",
        "Answer ten or so cases with a reason, and it begins to agree with you. At first it "
        "has no answers.",
    ),
    "knew_nothing": State("No answer", "The judge knew nothing yet when it read this case."),
    "reading": State(
        "The judge is reading this case",
        "You need not wait. If you answer first, your answer counts as unseen.",
    ),
    "hidden": State(
        "Hidden until you have answered, so that your answer is your own. You will see it, and "
        "can add to your reason, after you save.",
        "Your answer then counts as given after seeing the judge’s.",
    ),
    "learning": State(
        "Saved. Learning from your reason",
        "Continue with the next case. This takes a few seconds.",
    ),
    "saved": State(
        "Saved. To be learned in a moment",
        "Continue with the next case. Answers are learned one after the other.",
    ),
    "undoing": State("Taking it back", "The case is already waiting again."),
    "undone": State("Taken back", "The case waits again, with your words filled in."),
    "undone_server": State(
        "Taken back",
        "What was learned is gone. The run that waited for the answer has continued with it, and "
        "cannot be called back.",
    ),
    "undone_change": State("Taken back", "Your earlier answer counts again."),
    "undone_left": State(
        "Back in the queue", "The case waits again, and nothing was learned from it."
    ),
    "undone_rule": State("Taken back", "The rules are as they were before."),
    "pending": State(
        "Your answer is saved. It is not learned yet.",
        "Learning is tried again every minute, and after your next answer.",
    ),
    "locked": State(
        "Somebody else has this memory open",
        "Close the other program, or ask whoever runs it. Then this page continues by itself. Your "
        "text is kept.",
    ),
    "no_memory": State(
        "What the judge knows cannot be reached",
        "Nothing is lost, and this page continues by itself. For whoever runs it:",
    ),
    "down": State(
        "The judge’s model does not respond",
        "That is not held against the case; your answer counts all the same.",
    ),
    "unscored": State("No answer", "Your answer counts all the same."),
    "by_rules": State(
        "By rules alone",
        "Past cases could not be looked up, so the judge went by its {rules} only.",
    ),
    "answered": State(
        "{name} answered this case {ago}",
        "Your answer is not saved yet, and your text is still here. If yours differs, it becomes a "
        "conflict that you can settle together.",
    ),
    "answered_already": State("You have already answered this", "{ago}: {value}."),
    "judge_changed": State(
        "The judge now says: {value}",
        "You saw: {value}. It has learned in the meantime. Nothing is saved yet.",
    ),
    "not_exact": State(
        "{count} built on this",
        "Others added to what came from your answer, so it cannot simply be taken back. Your "
        "answer can be forgotten, and the rule written again from theirs.",
    ),
    "nothing_learned": State(
        "No rule came from this.",
        "Your answer is kept as a past case and shown to the judge when a similar case comes.",
    ),
    "conflict": State(
        "{name} answered this case differently",
        "{name} said {value}{when}. {counts}; both are kept.",
    ),
    "unreachable": State(
        "This page cannot reach memalign",
        "It has probably been stopped. Leave this page open: your text is still here and can be "
        "saved once it runs again.",
    ),
    "old_link": State(
        "This link is from an earlier start",
        "Open the address that memalign now shows in its window. If somebody else started it, ask "
        "them for the new link.",
    ),
    "refused": State(
        "You are not signed in",
        "This page belongs to an application that says who you are. Sign in there first.",
    ),
    "foreign": State(
        "This was not sent by this page",
        "Nothing was saved. Open the page again, and answer there.",
    ),
    "too_large": State(
        "That is too long", "A reason may have up to 10,000 characters. Nothing was saved."
    ),
    "not_lead": State(
        "Only a lead can do this", "You can undo your own answers. Ask a lead to do more."
    ),
    "gone": State("This is not here", "It may have been forgotten, or it never existed."),
    "unexpected": State(
        "Something went wrong", "Nothing is lost. The window in which memalign runs says more."
    ),
    "cut": State(
        "The judge read only part of this",
        "It is longer than the judge may read. It saw the beginning and the end; about {words} "
        "words in the middle were left out.",
    ),
    "not_loaded": State(
        "Picture {n} was not loaded",
        "It is on another server, which would learn that you looked at it: {where}",
    ),
    "not_shown": State("Picture {n} is not shown", "Only PNG, JPEG, WebP and GIF are: {where}"),
    "too_many_rules": State(
        "{count} rules are more than the judge can read at once",
        "It reads the pinned ones and those nearest to the case. Retire what no longer matters.",
    ),
    "no_rules": State(
        "No rules yet.", "The first comes from your first answer with a reason, or write one."
    ),
    "no_past": State("No past cases yet.", "Every answer becomes one."),
    "no_match": State("Nothing fits.", "Other words, or fewer filters, may find more."),
    "no_conflicts": State(
        "No conflicts.", "Experts agree on every case that more than one has answered."
    ),
    "too_few": State("Too few to tell.", "{count} so far; figures begin at 20."),
    "changed_meanwhile": State(
        "{count} by now", "Nothing has been erased. Look again at what would go."
    ),
    "set_aside": State("A newer rule says otherwise, so the judge is no longer shown this answer."),
    "forgetting": State("Erasing", "None of it is shown from now on."),
    "forgotten": State("Erased for good", "{cases} and {rules} are gone."),
    "settle_reason": State(
        "Why is it right?",
        "One sentence. Your answer becomes the newest, and the judge learns from your reason.",
    ),
    "nothing_said": State(
        "Nothing is chosen or written yet",
        "Choose an answer, or write what the judge should know. To decide later, skip the case.",
    ),
}


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 rule", "2 rules"."""
    return f"{number:,} {one if number == 1 else many}"


def rules(number: int) -> str:
    """So many rules."""
    return counted(number, "rule", "rules")


def cases(number: int) -> str:
    """So many cases."""
    return counted(number, "case", "cases")


def past_cases(number: int) -> str:
    """So many past cases."""
    return counted(number, "past case", "past cases")


def answers(number: int) -> str:
    """So many answers."""
    return counted(number, "answer", "answers")
