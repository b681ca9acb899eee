"""What `arrears metrics` shows: the metrics there are, or figures, or the query behind them."""

from __future__ import annotations

from decimal import Decimal

from arrears.cli import output
from arrears.metrics import Metrics, Question, ask, query
from arrears.publish.mart import MARTS
from arrears.settings import Role, Settings

__all__ = ["Question", "show", "show_all", "show_query"]


def show_all(settings: Settings, *, json: bool) -> None:
    """Every metric with what it is made of."""
    found = Metrics(settings, MARTS).all
    if json:
        output.as_json([metric.to_dict() for metric in found])
        return
    widest = max((len(metric.name) for metric in found), default=0)
    for metric in found:
        made_of = f": {metric.numerator} / {metric.denominator}" if metric.numerator else ""
        output.say(f"{metric.name:<{widest}}  {metric.label}{made_of}")


def show_query(question: Question, settings: Settings) -> None:
    """The SQL that a question comes to, to be run or built on elsewhere."""
    output.verbatim(query(question, settings=settings) + "\n")


def show(question: Question, settings: Settings, *, json: bool) -> None:
    """The figures a question asks for."""
    with output.working(f"asking {', '.join(question.metrics)}"):
        answer = ask(question, url=settings.url(Role.READER), settings=settings)
    if json:
        output.as_json(answer.to_dict())
    else:
        output.table("", list(answer.columns), [[_figure(value) for value in row] for row in answer.rows])


def _figure(value: object) -> object:
    """A rate to six decimals, as the headline marts have it; money as it is."""
    if isinstance(value, Decimal):
        value = float(value)
    return round(value, 6) if isinstance(value, float) else value
