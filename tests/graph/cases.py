"""What the graphs are given in tests."""

CASE = {"inputs": "My parcel is lost.", "outputs": "Not our problem."}
OTHER_CASE = {
    "inputs": "Where is the exit?",
    "outputs": "On the left.",
    "reference_outputs": "Left",
}
SAID_BEFORE = "My parcel arrived broken."


def taught(text, value, **fields):
    """Feedback on a case near to `CASE`."""
    outputs = "Not our problem, sorry."
    return {"inputs": text, "outputs": outputs, "value": value, "rationale": text, **fields}
