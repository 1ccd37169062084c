"""A process made to be killed: it aligns or forgets, and tells on stdout what has been achieved.

What stands after `stored` is in the memory; what stands after `forgot` is not any more. It never
ends by itself.
"""

import hashlib
import re
import sys

from fakes import CountingEmbeddings, ScriptedModel, feedback, principle

from langchain_memalign import MemAlignJudge, Memory

RECORDS = 200
FORGOTTEN = range(0, RECORDS, 40)


def marker(number):
    """32 hex digits that occur nowhere but in record `number`."""
    return hashlib.sha256(f"record {number}".encode()).hexdigest()[:32]


MARKERS = {marker(number): number for number in range(RECORDS)}


def word(number):
    return feedback(number, rationale=f"Mind {marker(number)} here.", id=f"record {number}")


def numbers_in(text):
    """The records whose marker is in a text, in order."""
    return list(dict.fromkeys(MARKERS[found] for found in re.findall(r"[0-9a-f]{32}", text)))


def distil(request):
    """A rule of each record, and one of each two neighbours."""
    numbers = numbers_in(request.prompt.split("<records>")[1])
    names = {number: f"R{i}" for i, number in enumerate(numbers, 1)}
    rules = [principle(f"Rule {marker(n)}.", names[n]) for n in numbers]
    for n in numbers[::2]:
        if n + 1 in names:
            rules.append(principle(f"Both {marker(n)} {marker(n + 1)}.", names[n], names[n + 1]))
    return {"principles": rules}


def open_judge(directory, respond=distil):
    def answer(request):
        return {"decisions": []} if request.title == "decisions" else respond(request)

    return MemAlignJudge(
        name="tone",
        instructions="Is the reply kind?",
        value_type=bool,
        model=ScriptedModel(respond=answer),
        memory=Memory.open(directory, embeddings=CountingEmbeddings(size=8)),
    )


def say(*words):
    # In one piece: several threads tell of their batches.
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def align(directory, chunk):
    def respond(request):
        say("stored", *numbers_in(request.prompt.split("<records>")[1]))
        return distil(request)

    judge = open_judge(directory, respond)
    for start in range(0, RECORDS, chunk):
        judge.align([word(number) for number in range(start, start + chunk)])
        say("stored", *range(start, start + chunk))


def forget(directory):
    judge = open_judge(directory)
    judge.align([word(number) for number in range(RECORDS)])
    say("stored", *range(RECORDS))
    for number in FORGOTTEN:
        judge.forget(where=lambda episode, n=number: marker(n) in episode.rationale)
        say("forgot", number)


if __name__ == "__main__":
    task, where, *rest = sys.argv[1:]
    say("started")
    {"align": align, "forget": forget}[task](where, *map(int, rest))
    sys.stdin.read()
