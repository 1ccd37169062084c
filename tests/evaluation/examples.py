"""Published worked examples, as rows."""

AGRESTI_WINNER = [[24, 8, 13], [8, 13, 11], [10, 9, 64]]

BLOOD_PRESSURE = (
    (
        *(127, 118, 135, 123, 112, 119, 125, 109, 106, 110, 111, 125, 119, 140, 115),
        *(110, 122, 119, 134, 105, 117, 111, 114, 126, 113, 129, 130, 130, 115, 131),
    ),
    (
        *(134, 120, 142, 115, 117, 123, 125, 111, 122, 115, 109, 127, 118, 139, 111),
        *(110, 122, 115, 137, 105, 112, 113, 115, 119, 115, 127, 129, 130, 120, 126),
    ),
)

# "C" of K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): four observers.
_ = None
KRIPPENDORFF_C = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


def from_table(table, values):
    """The rows that a table of counts was made from: experts' values, judge's values."""
    pairs = [
        (expert, judge)
        for expert, counts in zip(values, table, strict=True)
        for judge, count in zip(values, counts, strict=True)
        for _ in range(count)
    ]
    return [expert for expert, _ in pairs], [judge for _, judge in pairs]
