"""Faults of time: another day's file, a day that comes late or twice, things told in the wrong order."""

from __future__ import annotations

from datetime import timedelta

from arrears.simulate.faults.form import Manifest, Table
from arrears.simulate.faults.rows import change, insert, ordinary_payment, other_id
from arrears.simulate.faults.spoiler import Injection, Spoiler, fault


@fault("business_date")
def wrong_business_date(delivery: Spoiler) -> list[Injection]:
    """A file (the loans, where they are dated) is in truth the day before's."""
    name, column = delivery.roles.dated or delivery.roles.loans, delivery.roles.business_date
    table = delivery.table(name)
    if not table.rows:
        raise delivery.impossible(f"{delivery.name(name)} has no row")
    at, value = table.column(column), delivery.form.date_text(delivery.day - timedelta(days=1))
    for row in table.rows:
        row[at] = value
    delivery.put(name, table)
    return [delivery.done(name, column=column, value=value, detail="every row")]


@fault(control=("manifest",))
def manifest_wrong_date(delivery: Spoiler) -> list[Injection]:
    """The manifest is right about the files, and says that they are of the day before."""
    manifest = delivery.roles.control
    assert isinstance(manifest, Manifest), "applies to layouts with one"
    day, listed = manifest.listed(delivery.read(manifest.file))
    wrong = day - timedelta(days=1)
    delivery.write(manifest.file, manifest.render(wrong, listed))
    return [delivery.done_to_file(manifest.file, column="business_date", value=wrong.isoformat())]


@fault()
def late_day(delivery: Spoiler) -> list[Injection]:
    """The delivery does not come; it lies among what is withheld, to be delivered later."""
    names = delivery.names()
    for name in names:
        delivery.withhold(name)
    delivery.remove_folder()
    return [delivery.done_to_file(name, detail="withheld") for name in names]


@fault()
def resent_same(delivery: Spoiler) -> list[Injection]:
    """The delivery is sent again with the same bytes: the files are as they were."""
    return [delivery.done_to_file(name, detail="to be sent again as it is") for name in delivery.names()]


@fault()
def resent_changed(delivery: Spoiler) -> list[Injection]:
    """The delivery is sent again with a correction: the value day of a payment, or a loan's number where payments are
    not sent as such. What came first is withheld."""
    roles = delivery.roles
    name = roles.payments if roles.payment_id else roles.loans
    table = delivery.table(name)
    if roles.payment_id:
        row, column = table.rows.index(ordinary_payment(delivery, table)), roles.value_on
        days = (delivery.form.date_text(delivery.day - timedelta(days=back)) for back in (1, 2))
        value = next(day for day in days if day != table.rows[row][table.column(column)])
    else:
        (row,), column = delivery.rows(name, 1, table), roles.number
        value = str(int(table.rows[row][table.column(column)]) + 1)
    for file in delivery.names():
        delivery.withhold(file)
    table.rows[row][table.column(column)] = value
    delivery.put(name, table)
    return [delivery.done(name, lines=[table.line(row)], column=column, value=value)]


@fault("payment_id", "kind")
def payment_twice(delivery: Spoiler) -> list[Injection]:
    """A payment of the delivery before comes again, the same in all."""
    name, roles = delivery.roles.payments, delivery.roles
    earlier = delivery.before()
    again = ordinary_payment(earlier, earlier.table(name))
    table = delivery.table(name)
    value = again[table.column(roles.payment_id)]
    table.rows.append(again)
    if roles.business_date in table.header:
        change(table, again, {roles.business_date: delivery.form.date_text(delivery.day)})
    delivery.put(name, table)
    line, detail = table.line(len(table.rows) - 1), f"delivered on {earlier.day} already"
    return [delivery.done(name, lines=[line], column=roles.payment_id, value=value, detail=detail)]


def _taking_back(delivery: Spoiler, table: Table, payment: list[str]) -> list[str]:
    """The row that takes a payment back on the delivery's day."""
    roles, row = delivery.roles, list(payment)
    today = delivery.form.date_text(delivery.day)
    original = row[table.column(roles.payment_id)]
    values = {
        roles.payment_id: other_id(original),
        roles.kind: roles.a_reversal,
        roles.reverses: original,
        roles.value_on: today,
        roles.posted_on: today,
    }
    change(table, row, values)
    return row


@fault("payment_id", "kind", "a_reversal", "reverses", "value_on")
def id_reused(delivery: Spoiler) -> list[Injection]:
    """A payment of the delivery before is taken back, and its number given to another payment."""
    name, roles = delivery.roles.payments, delivery.roles
    earlier, today = delivery.before(), delivery.form.date_text(delivery.day)
    payment = ordinary_payment(earlier, earlier.table(name))
    table = delivery.table(name)
    value = payment[table.column(roles.payment_id)]
    taken_back = insert(delivery, table, _taking_back(delivery, table, payment))
    change(table, payment, {roles.value_on: today, roles.posted_on: today})
    reused = insert(delivery, table, payment)
    delivery.put(name, table)
    lines, detail = [taken_back, reused], f"taken back, then given again; first of {earlier.day}"
    return [delivery.done(name, lines=lines, column=roles.payment_id, value=value, detail=detail)]


@fault("payment_id", "kind", "a_reversal", "reverses", "value_on")
def reversal_before_payment(delivery: Spoiler) -> list[Injection]:
    """The delivery before takes a payment back that comes only with this one. Together they come to nothing."""
    name, roles = delivery.roles.payments, delivery.roles
    earlier = delivery.before()
    table, earlier_table = delivery.table(name), earlier.table(name)
    payment = ordinary_payment(earlier, earlier_table)
    number = other_id(payment[table.column(roles.payment_id)])
    day = earlier.form.date_text(earlier.day)
    change(table, payment, {roles.payment_id: number, roles.value_on: day, roles.posted_on: day})
    reversal = _taking_back(earlier, earlier_table, payment)
    change(table, reversal, {roles.payment_id: f"{number}R"})
    line = insert(earlier, earlier_table, reversal)
    earlier.put(name, earlier_table)
    first = earlier.done(name, lines=[line], column=roles.reverses, value=number)
    line = insert(delivery, table, payment)
    delivery.put(name, table)
    return [first, delivery.done(name, lines=[line], column=roles.payment_id, value=number)]


@fault("payment_id", "kind", "value_on", "date")
def payment_before_loan(delivery: Spoiler) -> list[Injection]:
    """A loan comes days late; the delivery before this one has a payment for it already."""
    name, roles = delivery.roles.loans, delivery.roles
    earlier = delivery.before()
    loan, held_back = _new_loan(earlier)
    done = [_without(each, loan) for each in held_back]
    table = delivery.table(name)
    if all(row[table.column(roles.loan_id)] != loan[1] for row in table.rows):
        line = insert(delivery, table, loan[0])
        delivery.put(name, table)
        detail = "comes only now"
        done.append(delivery.done(name, lines=[line], column=roles.loan_id, value=loan[1], detail=detail))
    payments = earlier.table(roles.payments)
    row = ordinary_payment(earlier, payments)
    day = earlier.form.date_text(earlier.day)
    number = other_id(row[payments.column(roles.payment_id)])
    values = {roles.loan_of_payment: loan[1], roles.payment_id: number, roles.value_on: day, roles.posted_on: day}
    change(payments, row, values)
    line = insert(earlier, payments, row)
    earlier.put(roles.payments, payments)
    done.append(earlier.done(roles.payments, lines=[line], column=roles.loan_of_payment, value=loan[1]))
    return done


Row = list[str]


def _new_loan(newest: Spoiler) -> tuple[tuple[Row, str], list[Spoiler]]:
    """The newest loan that came new with one of the last deliveries: its row and id; and the deliveries that list
    it, up to the newest."""
    roles, listing, current = newest.roles, [], newest
    while True:
        table = current.table(roles.loans)
        at, days = table.column(roles.loan_id), table.column(roles.date)
        new = [row for row in table.rows if row[days] == current.form.date_text(current.day)]
        listing.append((current, {row[at] for row in table.rows}))
        if new:
            found = new[-1]
            return (list(found), found[at]), [each for each, ids in listing if found[at] in ids]
        current = current.before()


def _without(delivery: Spoiler, loan: tuple[Row, str]) -> Injection:
    """Take a loan out of a delivery's loans."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    at = table.column(roles.loan_id)
    table.rows = [row for row in table.rows if row[at] != loan[1]]
    delivery.put(name, table)
    return delivery.done(name, column=roles.loan_id, value=loan[1], detail="held back")
