"""Lenders that the gate holds back: of them the marts go on showing what they show, and say that it is stale."""

from __future__ import annotations

from collections.abc import Collection

from psycopg2.sql import SQL, Composable, Identifier, Literal

from arrears.publish.mart import CANDIDATE, PUBLISHED, Mart, is_shown_by

LENDERS = "dim_lender"

# What a lender's row in dim_lender says while it is held back: it is behind by the days from its published data to the
# day that its calendar lets expect, which the candidate says by how far it falls short of it itself.
WHILE_HELD = {
    "is_stale": SQL("true"),
    "days_stale": SQL(
        "greatest(coalesce((select c.data_as_of + c.days_stale from {candidate} as c where c.lender = p.lender) "
        "- p.data_as_of, p.days_stale), 0)"
    ),
}


def offered_but(mart: Mart, held: Collection[str], previous: int | None) -> Composable:
    """What a publication is to show of a mart, as a relation: the candidate, but of lenders held what the publication
    before showed. It says the same while the publication is being written."""
    candidate = mart.relation(CANDIDATE)
    if not held or not mart.has_lender:
        return candidate
    lenders = Literal(sorted(held))
    return SQL(
        "(select {columns} from {candidate} where lender <> all({lenders}) union all "
        "select {shown} from {published} as p where {was_shown} and p.lender = any({lenders}))"
    ).format(
        columns=mart.listed(), candidate=candidate, lenders=lenders, shown=_shown(mart),
        published=mart.relation(PUBLISHED), was_shown=is_shown_by(Literal(previous), "p."),
    )  # fmt: skip


def _shown(mart: Mart) -> Composable:
    if mart.name != LENDERS:
        return mart.listed("p.")
    return SQL(", ").join(
        WHILE_HELD[column.name].format(candidate=mart.relation(CANDIDATE))
        if column.name in WHILE_HELD
        else SQL("p.{}").format(Identifier(column.name))
        for column in mart.columns
    )
