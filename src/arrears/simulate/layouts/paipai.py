"""拍拍金融: the published layout of PPDai's open data.

Comma-separated UTF-8 with a byte-order mark; nothing is `\\N`. Four files a day, and `_SUCCESS` once they are there.

- LC: listings of the day. Dates 2016/9/30.
- USER: the person behind each of them. The published layout has none, so this file is not in it. A person with
  several listings comes with each.
- LP: every instalment that is new or stands otherwise than before: what is due and what remains. There are no
  payment lines; what was paid is the difference to the row sent before. An instalment whose payments all came back
  is 已部分还款 with everything remaining, from the day on which they did. On early settlement 应还利息 is restated
  to what was charged. Dates 2016-09-30.
- LCIS: LC's columns and the position at the close of the day, of every listing that something happened to or that is
  overdue, and on month-ends of all that are open. A listing whose claim was transferred comes once more, on that
  day. 上次还款日期 is written both ways.

The first delivery carries everything from the beginning of the book, each instalment as it then stands. Payments
posted a day late come a day late, with their own day in 还款日期.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from arrears.simulate.book import Book, Ints, day_date, day_number
from arrears.simulate.cells import DASHED, SLASHED, absent, spelled_dates, widened
from arrears.simulate.faults.form import FileFormat, Marker, Roles, Table
from arrears.simulate.formats_csv import CsvFile, parse_csv, render_csv
from arrears.simulate.ledger import Ledger
from arrears.simulate.persons import PROVINCES, birth_years, identity_numbers, names, phones
from arrears.simulate.posted import NEVER_PAID, PostedBook
from arrears.simulate.profile import Habits, Product, Profile
from arrears.simulate.records import TRANSFERRED, Day
from arrears.simulate.writers import Block, Landing, constant, delivery_folder, digits, hundredths, lookup, row_block

ENCODING = "utf-8-sig"
_CHARACTERS = "utf-8"
_NOTHING = r"\N"
_DONE = "_SUCCESS"

PROFILE = Profile(
    products=(
        Product("ecommerce", 0.12, (3, 6, 9, 12), (2_000, 30_000, 100), (1000, 1200, 1400, 1600), (0,), (0,)),
        Product("app_flash", 0.38, (3, 6, 9, 12), (500, 6_000, 50), (1800, 2000, 2200, 2400), (0,), (0,)),
        Product("ordinary", 0.32, (6, 9, 12), (1_000, 20_000, 100), (1400, 1600, 1800, 2000, 2200), (0,), (0,)),
        Product("other", 0.18, (3, 6, 12), (1_000, 10_000, 100), (1200, 1600, 2000), (0,), (0,)),
    ),
    purposes=("",),
    channels=("",),
    funders=("",),
    # What the layout cannot show does not happen: credit balances, waivers, new plans, write-offs and recoveries.
    habits=Habits(
        overpay=0.0,
        extend=0.0,
        settle_short=0.0,
        write_off_days=(99_999, 99_999),
        recovery=0.0,
        transfer=0.08,
        common=0.3,
        strategic=0.01,
    ),
    young=2.4,
    low_income=1.6,
    repeat_share=0.25,
    young_risk=0.3,
    low_income_risk=0.3,
)

_TYPES = ("电商", "APP闪电", "普通", "其他")
_GRADES = ("A", "B", "C", "D", "E")
_GENDERS = ("女", "男")
_YES_NO = ("否", "是")
_VERIFIED = ("未成功认证", "成功认证")
_INCOMES = ("3000元以下", "3000-5000元", "5000-8000元", "8000-15000元", "15000元以上")
_CURRENT, _OVERDUE, _SETTLED, _TRANSFERRED = range(4)
_STATES = ("正常还款中", "逾期中", "已还清", "已债转")
_VERIFIED_SHARE = (0.72, 0.08, 0.06, 0.33, 0.05, 0.02)
"""Share of listings verified by phone, household register, video, degree, credit bureau and shop account."""

_FIRST_LISTING_DAY = day_number(date(2010, 1, 1))
_LISTINGS_A_DAY = 100_000

_LISTING = (
    "ListingId",
    "借款金额",
    "借款期限",
    "借款利率",
    "借款成功日期",
    "初始评级",
    "借款类型",
    "是否首标",
    "年龄",
    "性别",
    "手机认证",
    "户口认证",
    "视频认证",
    "学历认证",
    "征信认证",
    "淘宝认证",
    "历史成功借款次数",
    "历史成功借款金额",
    "总待还本金",
    "历史正常还款期数",
    "历史逾期还款期数",
)
_COLUMNS = {
    "LC": _LISTING,
    "LP": (
        "ListingId",
        "期数",
        "还款状态",
        "应还本金",
        "应还利息",
        "剩余本金",
        "剩余利息",
        "到期日期",
        "还款日期",
        "recorddate",
    ),
    "LCIS": (
        *_LISTING,
        "我的投资金额",
        "当前到期期数",
        "当前还款期数",
        "已还本金",
        "已还利息",
        "待还本金",
        "待还利息",
        "标当前逾期天数",
        "标当前状态",
        "上次还款日期",
        "上次还款本金",
        "上次还款利息",
        "下次计划还款日期",
        "下次计划还款本金",
        "下次计划还款利息",
        "recorddate",
    ),
    "USER": ("ListingId", "身份证号", "手机号", "姓名", "出生年份", "性别", "省份", "收入档"),
}


def _listing_ids(book: Book, loans: Ints) -> Ints:
    return (book.disbursed[loans].astype(np.int64) - _FIRST_LISTING_DAY) * _LISTINGS_A_DAY + book.number[loans]


def _dashed(days: Ints) -> Block:
    return spelled_dates(days, DASHED, padded=True)


def _slashed(days: Ints) -> Block:
    return spelled_dates(days, SLASHED, padded=False)


def _dashed_or_nothing(days: Ints) -> Block:
    return absent(_dashed(np.maximum(days, 0)), days < 0, _NOTHING)


class _Histories:
    """What the platform knows of each borrower: the columns of LC that tell a borrower's history."""

    def __init__(self, book: Book, posted: PostedBook) -> None:
        self.book, self._posted = book, posted
        people = len(book.borrowers.risk)
        self.listings, self.amount, self.outstanding, self.on_time, self.late = (
            np.zeros(people, dtype=np.int64) for _ in range(5)
        )

    def add(self, loans: Ints) -> None:
        """Listings of the day, once what was known before them is written."""
        who, amounts = self.book.borrower[loans], self.book.principal[loans]
        np.add.at(self.listings, who, 1)
        np.add.at(self.amount, who, amounts)
        np.add.at(self.outstanding, who, amounts)

    def count(self, loans: Ints, sign: int) -> None:
        """Take what the books say of loans in (1) or out (-1) of their borrowers' records."""
        posted, who = self._posted, self.book.borrower[loans]
        np.add.at(self.outstanding, who, -sign * posted.repaid_principal[loans])
        np.add.at(self.on_time, who, sign * (posted.instalments_paid[loans] - posted.paid_late[loans]))
        np.add.at(self.late, who, sign * posted.paid_late[loans])


class Writer:
    """Writes the deliveries of one book."""

    def __init__(self, book: Book, ledger: Ledger, start: date) -> None:
        self.book, self.start = book, day_number(start)
        self.files = self.bytes = 0
        self.posted = PostedBook(book)
        self._histories = _Histories(book, self.posted)
        self._listings = np.zeros((len(book), 0), dtype=np.uint8)
        """LC's line of every loan, without its end."""
        self._gone = np.zeros(len(book), dtype=np.bool_)
        """Loans whose claim was transferred."""
        self._open: dict[str, CsvFile] = {}
        self._landing: Landing | None = None
        self._new: list[Ints] = []
        self._changed: list[Ints] = []
        self._transferred: list[Ints] = []

    def loan_ids(self, first: int, last: int) -> list[str]:
        """Listing ids as the files spell them."""
        return [str(k) for k in _listing_ids(self.book, np.arange(first, last))]

    # ── a day ───────────────────────────────────────────────────────────────────────────────────────────

    def record(self, day: Day, landing: Landing | None) -> None:
        """Book the day's listings and payments; opens a delivery where none is."""
        if not self._open:
            self._landing = landing
            folder = delivery_folder(day_date(day.delivered_on))
            self._open = {
                name: CsvFile(landing, folder, FORMAT.file_name(name, day_date(day.delivered_on)), columns, ENCODING)
                for name, columns in _COLUMNS.items()
            }
        new = np.arange(*day.loans)
        if len(new):
            self._list(new)
            self._people(new)
            self._new.append(new)
        self._changed.append(self._post(day))
        transferred = day.events.loan[day.events.kind == TRANSFERRED]
        self._gone[transferred] = True
        self._transferred.append(transferred)

    def deliver(self, day: int, touched: Ints) -> None:
        """Write the instalments that changed and the positions, close the files, say that they are there."""
        instalments = self.posted.rows_of(np.concatenate([*self._new, np.zeros(0, dtype=np.int64)]))
        changed = np.unique(np.concatenate([*self._changed, instalments]))
        self._instalments(day, changed)
        self._positions(day, self._to_report(day, touched, self.book.loan_of[changed].astype(np.int64)))
        for file in self._open.values():
            file.close()
            self.files += file.written
            self.bytes += file.bytes
        if self._landing is not None:
            with self._landing.open(delivery_folder(day_date(day)), _DONE):
                self.files += 1
        self._open, self._new, self._changed, self._transferred = {}, [], [], []

    def _post(self, day: Day) -> Ints:
        """Book payments; returns the instalments that changed."""
        loans = np.unique(np.concatenate([day.payments.loan, self.posted.waiting()]))
        self._histories.count(loans, -1)
        rows = self.posted.post(day.payments)
        self._histories.count(loans, 1)
        return rows

    # ── LC and USER ─────────────────────────────────────────────────────────────────────────────────────

    def _list(self, new: Ints) -> None:
        book, history = self.book, self._histories
        who = book.borrower[new]
        people = book.borrowers.take(who)
        age = ((book.disbursed[new] - people.born) / 365.2425).astype(np.int64)
        # A part of the identity number's serial decides what is verified, so a person's listings agree.
        drawn = (people.serial[:, None] * np.array([7, 11, 13, 17, 19, 23]) + 5) % 1000
        verified = (drawn < 1000 * np.array(_VERIFIED_SHARE)).astype(np.int64)
        cells = [
            digits(_listing_ids(book, new), 10),
            digits(book.principal[new] // 100, 8),
            digits(book.term[new], 2),
            widened(hundredths(book.rate_bp[new]), 5),
            _slashed(book.disbursed[new].astype(np.int64)),
            lookup(_GRADES, book.grade[new], _CHARACTERS),
            lookup(_TYPES, book.product[new], _CHARACTERS),
            lookup(_YES_NO, (book.first_loan[who] == new).astype(np.int64), _CHARACTERS),
            digits(age, 2),
            lookup(_GENDERS, people.gender, _CHARACTERS),
            *(lookup(_VERIFIED, verified[:, k], _CHARACTERS) for k in range(len(_VERIFIED_SHARE))),
            digits(history.listings[who], 4),
            widened(hundredths(history.amount[who]), 13),
            widened(hundredths(history.outstanding[who]), 13),
            digits(history.on_time[who], 4),
            digits(history.late[who], 4),
        ]
        line = row_block(cells, ",", "")
        if not self._listings.shape[1]:
            self._listings = np.zeros((len(self.book), line.shape[1]), dtype=np.uint8)
        self._listings[new] = line
        history.add(new)
        self._open["LC"].write([line])

    def _people(self, new: Ints) -> None:
        people = self.book.borrowers.take(self.book.borrower[new])
        self._open["USER"].write(
            [
                digits(_listing_ids(self.book, new)),
                identity_numbers(people),
                phones(people, _CHARACTERS),
                names(people, _CHARACTERS),
                digits(birth_years(people)),
                lookup(_GENDERS, people.gender, _CHARACTERS),
                lookup(PROVINCES, people.province, _CHARACTERS),
                lookup(_INCOMES, people.income, _CHARACTERS),
            ]
        )

    # ── LP ──────────────────────────────────────────────────────────────────────────────────────────────

    def _instalments(self, day: int, rows: Ints) -> None:
        if not len(rows):
            return
        book, posted = self.book, self.posted
        loans = book.loan_of[rows].astype(np.int64)
        principal, interest = book.principal_due[rows], posted.interest[rows]
        self._open["LP"].write(
            [
                digits(_listing_ids(book, loans)),
                digits(rows - book.offset[loans] + 1),
                digits(posted.standing[rows].astype(np.int64)),
                hundredths(principal),
                hundredths(interest),
                hundredths(principal - posted.paid_principal[rows]),
                hundredths(interest - posted.paid_interest[rows]),
                _dashed(book.due[rows].astype(np.int64)),
                _dashed_or_nothing(posted.paid_on[rows].astype(np.int64)),
                _one_day(day, len(rows)),
            ]
        )

    # ── LCIS ────────────────────────────────────────────────────────────────────────────────────────────

    def _to_report(self, day: int, touched: Ints, changed: Ints) -> Ints:
        """Loans of which a position is sent."""
        known = int(np.searchsorted(self.book.disbursed, day, side="right"))
        everyone = np.arange(known)
        opened = everyone[~self._gone[:known] & ~self.posted.is_settled(everyone)]
        is_month_end = (day_date(day) + timedelta(days=1)).day == 1
        if day > self.start and not is_month_end:
            opened = opened[self.posted.oldest_due[opened] < day]
        happened = np.concatenate([touched, changed])
        happened = happened[~self._gone[happened]]
        return np.unique(np.concatenate([opened, happened, *self._transferred])).astype(np.int64)

    def _positions(self, day: int, loans: Ints) -> None:
        if not len(loans):
            return
        book, posted = self.book, self.posted
        dpd = posted.days_past_due(loans, day)
        settled, gone = posted.is_settled(loans), self._gone[loans]
        state = np.select([gone, settled, dpd > 0], [_TRANSFERRED, _SETTLED, _OVERDUE], _CURRENT)
        last_row = book.offset[loans + 1] - 1
        coming = book.offset[loans] + posted.instalments_paid[loans]
        nothing_left = coming > last_row
        coming = np.minimum(coming, last_row)
        next_principal = np.where(nothing_left, 0, book.principal_due[coming] - posted.paid_principal[coming])
        next_interest = np.where(nothing_left, 0, posted.interest[coming] - posted.paid_interest[coming])
        self._open["LCIS"].write(
            [
                self._listings[loans],
                hundredths(book.principal[loans]),
                digits(self._fallen(day, loans)),
                digits(posted.instalments_paid[loans]),
                hundredths(posted.repaid_principal[loans]),
                hundredths(posted.repaid_interest[loans]),
                hundredths(posted.outstanding(loans)),
                hundredths(posted.charged_interest[loans] - posted.repaid_interest[loans]),
                digits(dpd),
                lookup(_STATES, state, _CHARACTERS),
                self._last_paid(loans),
                hundredths(posted.last_principal[loans]),
                hundredths(posted.last_interest[loans]),
                _dashed_or_nothing(np.where(nothing_left, -1, book.due[coming].astype(np.int64))),
                hundredths(next_principal),
                hundredths(next_interest),
                _one_day(day, len(loans)),
            ]
        )

    def _fallen(self, day: int, loans: Ints) -> Ints:
        """Instalments due by a day, the day included."""
        book = self.book
        rows = self.posted.rows_of(loans)
        starts = np.cumsum(book.term[loans]) - book.term[loans]
        return np.add.reduceat((book.due[rows] <= day).astype(np.int64), starts)

    def _last_paid(self, loans: Ints) -> Block:
        """The two ways of writing dates, by listing: the column was fed by two systems."""
        days = self.posted.last_on[loans]
        shown = np.maximum(days, 0)
        dashed, slashed = _dashed(shown), _slashed(shown)
        block = np.where((loans % 3 == 0)[:, None], slashed, dashed)
        return absent(block, days == NEVER_PAID, _NOTHING)


def _one_day(day: int, rows: int) -> Block:
    return constant(day_date(day).isoformat(), rows)


def writer(book: Book, ledger: Ledger, start: date) -> Writer:
    """A writer whose first delivery is for `start`."""
    return Writer(book, ledger, start)


class _Format:
    """The files as tables, for faults."""

    encoding = ENCODING
    roles = Roles(
        loans="LC",
        payments="LP",
        loan_id="ListingId",
        number="年龄",
        date="借款成功日期",
        renamed=("借款金额", "标的金额"),
        business_date="",
        payment_id="",
        value_on="还款日期",
        posted_on="recorddate",
        kind="",
        a_payment="",
        reverses="",
        mode="upsert",
        medium="text",
        control=Marker(_DONE),
    )

    def folder(self, day: date) -> str:
        return delivery_folder(day)

    def file_name(self, resource: str, day: date) -> str:
        return f"{resource}.csv"

    def date_text(self, day: date) -> str:
        return f"{day.year}/{day.month}/{day.day}"

    def parse(self, resource: str, data: bytes) -> Table:
        return parse_csv(data, ENCODING)

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        return render_csv(table, ENCODING)


FORMAT: FileFormat = _Format()
