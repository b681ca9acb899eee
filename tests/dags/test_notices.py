"""Who is told of what: by webhook and by mail, as the receivers see it."""

from __future__ import annotations

import datetime as dt
import html
import re
from email.message import EmailMessage
from types import SimpleNamespace

import pytest

from arrears.errors import Infrastructure, Refused

from .receivers import MailServer, Webhook, listening
from .stand_in import run

pytestmark = pytest.mark.usefixtures("metadata", "lenders")


@pytest.fixture
def webhook(monkeypatch):
    with listening(server := Webhook()):
        monkeypatch.setenv("ARREARS_NOTIFY_WEBHOOK", server.url)
        yield server


@pytest.fixture
def mails(monkeypatch):
    with listening(server := MailServer()):
        monkeypatch.setenv("ARREARS_NOTIFY_EMAIL", "risk@example.com, ops@example.com")
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.connection)
        yield server


def as_read(mail: EmailMessage) -> str:
    """The text of a mail as its reader sees it."""
    (part,) = mail.iter_parts()
    shown = re.fullmatch(r"<pre>(.*)</pre>\s*", part.get_content(), re.S)
    assert shown, part.get_content()
    assert "<" not in shown[1]
    return html.unescape(shown[1])


def test_a_failure_is_told_with_its_reasons(dags, package, webhook, mails):
    package.failures["load"] = Refused("not as agreed", ["LOAN.txt:3: column rate: 'x' < 0", "LOAN.txt:9: <null>"])
    assert run(dags["load_one"]).exit_code == 1
    message = (
        "arrears: load_one.load failed for 2024-03-31\n"
        "not as agreed\n  - LOAN.txt:3: column rate: 'x' < 0\n  - LOAN.txt:9: <null>"
    )
    assert webhook.received == [{"text": message}]
    (mail,) = mails.received
    assert mail["Subject"] == "arrears: load_one.load failed for 2024-03-31"
    assert mail["From"] == "arrears@example.com"
    assert mails.recipients == ["risk@example.com", "ops@example.com"]
    assert as_read(mail) == message


def test_each_failure_is_told_as_what_it_is(dags, package, webhook, mails):
    """Several runs of one process: what was told first is not told again."""
    package.failures["load"] = Refused("3 columns are missing")
    run(dags["load_one"])
    package.failures["load"] = Infrastructure("no space left")
    run(dags["load_two"])
    subjects = ["arrears: load_one.load failed for 2024-03-31", "arrears: load_two.load failed for 2024-03-31"]
    assert [message["text"].split("\n") for message in webhook.received] == [
        [subjects[0], "3 columns are missing"],
        [subjects[1], "no space left"],
    ]
    assert [mail["Subject"] for mail in mails.received] == subjects


def test_a_killed_task_is_told_of(dags, webhook):
    """Airflow finds out by itself, and calls with what it knows; there is no exception then."""
    import arrears_wiring as wiring

    dag_run = SimpleNamespace(partition_key="2024-03-31", conf=None, run_id="r")
    wiring.FAILURE({"dag": dags["load_one"], "ti": SimpleNamespace(task_id="load"), "dag_run": dag_run})
    assert webhook.received == [
        {"text": "arrears: load_one.load failed for 2024-03-31\nIts process ended without saying why."}
    ]


def test_a_publication_is_told(dags, package, webhook, mails):
    assert run(dags["publish_marts"]).state == "success"
    message = (
        "arrears: published 2024-03-31\npublication 9, published: 1,200 rows added, 3 closed, 0 restatements\n"
        "reports/9/report.html"
    )
    assert webhook.received == [{"text": message}]
    assert [(mail["Subject"], as_read(mail)) for mail in mails.received] == [(message.partition("\n")[0], message)]


def test_a_publication_without_its_report_is_told_and_so_is_that(dags, package, webhook):
    package.failures["report"] = Refused("no such font")
    outcome = run(dags["publish_marts"])
    assert (outcome.state, [task for task, _ in outcome.errors]) == ("failed", ["report"])
    assert [message["text"].splitlines() for message in webhook.received] == [
        ["arrears: publish_marts.report failed for 2024-03-31", "no such font"],
        [
            "arrears: published 2024-03-31",
            "publication 9, published: 1,200 rows added, 3 closed, 0 restatements",
            "It has no report yet: why is in the log of `report`.",
        ],
    ]


@pytest.mark.parametrize("step", ["publish", "gate_candidate"])
def test_what_is_not_published_is_not_told_as_published(dags, package, webhook, step):
    package.failures[step] = Refused("x")
    assert run(dags["publish_marts"]).state == "failed"
    assert [message["text"] for message in webhook.received] == [
        f"arrears: publish_marts.{step} failed for 2024-03-31\nx"
    ]


def test_nobody_is_told_by_default(dags, package):
    assert run(dags["publish_marts"]).state == "success"
    package.failures["load"] = Refused("x")
    assert run(dags["load_one"]).exit_code == 1


@pytest.fixture
def tried_twice(dags, monkeypatch):
    for channel in ("webhook", "mail"):
        task = dags["publish_marts"].get_task(f"notify_{channel}")
        for name, value in (("retries", 1), ("retry_delay", dt.timedelta(0)), ("retry_exponential_backoff", 0)):
            monkeypatch.setattr(task, name, value)


@pytest.mark.usefixtures("tried_twice")
def test_one_who_cannot_be_told_keeps_nobody_from_being_told(dags, package, webhook, mails):
    """Nor is anybody told twice, where that is tried again."""
    webhook.status = 404
    outcome = run(dags["publish_marts"])
    assert package.calls[-1][0] == "report"
    ((task, error),) = outcome.errors
    assert task == "notify_webhook"  # what is published stays published
    assert (type(error), str(error)) == (Infrastructure, "The webhook answered 404.")
    assert len([message for message in webhook.received if "arrears: published" in message["text"]]) == 2
    assert [mail["Subject"] for mail in mails.received] == [
        "arrears: published 2024-03-31",
        "arrears: publish_marts.notify_webhook failed for 2024-03-31",
    ]


@pytest.mark.usefixtures("tried_twice")
def test_a_mail_server_that_hangs_up_is_tried_again(dags, webhook, mails):
    """Airflow's hook says of that what it says of any mistake."""
    mails.hangs_up = 1
    assert run(dags["publish_marts"]).state == "success"
    assert [mail["Subject"] for mail in mails.received] == ["arrears: published 2024-03-31"]
    assert len(webhook.received) == 1


def test_a_failure_stays_what_it_is_where_telling_fails(dags, package, webhook):
    webhook.status = 500
    package.failures["load"] = Refused("3 columns are missing")
    outcome = run(dags["load_one"])
    assert [str(error) for _, error in outcome.errors] == ["3 columns are missing"]


def test_waiting_for_approval_is_told_and_goes_on_where_telling_fails(dags, webhook):
    """What `approve` says before it waits."""
    (notice,) = dags["publish_marts"].get_task("approve").notifiers
    context = {
        "dag": dags["publish_marts"],
        "dag_run": SimpleNamespace(partition_key=None, conf={"business_date": "2024-03-31"}, run_id="r"),
    }
    notice(dict(context))
    webhook.status = 500
    notice(dict(context))
    assert {message["text"].split("\n")[0] for message in webhook.received} == {
        "arrears: publication of 2024-03-31 waits for approval"
    }
    assert len(webhook.received) == 2


def test_no_log_shows_the_webhook(dags, package, webhook, capfd):
    """Whoever knows its URL can write to the chat."""
    webhook.status = 403
    run(dags["publish_marts"])
    webhook.shutdown()
    webhook.server_close()
    outcome = run(dags["publish_marts"])
    assert str(outcome.errors[0][1]) == "The webhook cannot be reached (ConnectError)."
    logged = "".join(capfd.readouterr())
    assert "The webhook answered 403." in logged
    assert "T0PS3CRET" not in logged
