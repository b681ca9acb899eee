"""What is wrong with the names of a file's columns. The same words for every format that has a header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arrears.delivery.fault import Fault
from arrears.delivery.files import DeliveryFile

NOT_EVEN_A_HEADER = "the file is empty: not even a header; ask for it to be sent again"


def column_faults(
    file: DeliveryFile, found: Sequence[str], line: int | None, *, ordered: bool = True
) -> Iterator[Fault]:
    """Every column that is missing, unknown, twice there or out of place.

    Args:
        file: the file.
        found: the names as the file has them.
        line: the line on which they stand, if they stand on one.
        ordered: whether the columns must come in the contract's order.
    """
    expected = [field.name for field in file.resource.table.fields]
    if list(found) == expected:
        return
    if not set(found) & set(expected):
        # What stands there may be the first row, and hold personal data, so it is not shown.
        rule = "no column of the contract in it: is the header missing, or the file written with another delimiter?"
        yield Fault(file.path, rule, line=line)
        return
    for name in expected:
        if name not in found:
            yield Fault(file.path, "the column is missing from the header", line=line, column=name)
    for position, name in enumerate(found):
        if name not in expected:
            yield Fault(file.path, "a column that the contract does not know", line=line, column=name)
        elif found.index(name) != position:
            yield Fault(file.path, "the column stands twice in the header", line=line, column=name)
    if ordered and sorted(found) == sorted(expected):
        yield Fault(
            file.path,
            f"the columns are in another order than the contract's ({', '.join(expected)})",
            line=line,
            column=next(name for name, other in zip(found, expected, strict=True) if name != other),
        )
