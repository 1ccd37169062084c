"""What the graphs are given in tests, and what they ask."""

CASE = {"inputs": "My parcel is lost.", "outputs": "Not our problem."}
OTHER_CASE = {
    "inputs": "Where is the exit?",
    "outputs": "On the left.",
    "reference_outputs": "Left",
}
EDIT = {"decision": "edit", "value": False, "rationale": "Say sorry first."}
SAID_BEFORE = "My parcel arrived broken."


def taught(text, value, **fields):
    """Feedback on a case near to `CASE`."""
    outputs = "Not our problem, sorry."
    return {"inputs": text, "outputs": outputs, "value": value, "rationale": text, **fields}


def question(state):
    """What a reviewer is asked where a graph stopped."""
    (interrupt,) = state["__interrupt__"]
    return interrupt.value
