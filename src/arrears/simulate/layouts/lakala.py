"""拉卡拉: pipe-delimited text in GB18030 with Chinese headers, dates YYYYMMDD, amounts in fen.

Five files a day. The last line of each is `TRAILER|rows|sum`, the sum being that of the column in `_SUMS`.

- LOAN: every loan still listed, with the lender's own position at the close of the day. A loan that is
  settled or written off stays listed for 90 more days.
- CUST: customers whose first loan is in the delivery.
- PLAN: plans of loans lent or extended that day; an extended loan's whole plan comes again as version 2.
- PAY: payments posted that day. Amounts are positive; 退回 names the payment that came back.
- EVENT: write-offs, extensions and settlements of the day.

The first delivery carries everything from the beginning of the book.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from arrears.simulate.book import Book, Habits, Ints, Product, Profile, day_date, day_number
from arrears.simulate.engine import PAYMENTS_A_DAY, Day, Events, Payments
from arrears.simulate.faults import FileFormat, Roles, Table
from arrears.simulate.ledger import NEVER, SETTLED, WRITTEN_OFF, Ledger
from arrears.simulate.persons import PROVINCES, birth_years, identity_numbers, names, phones
from arrears.simulate.writers import (
    Block,
    Landing,
    TrailedText,
    blank,
    constant,
    dates,
    delivery_folder,
    digits,
    hundredths,
    lookup,
    row_block,
    squeeze,
)

ENCODING = "gb18030"
LISTED_DAYS = 90

PROFILE = Profile(
    products=(
        Product(
            "consumer_instalment",
            0.72,
            (3, 6, 9, 12, 18, 24),
            (1_000, 50_000, 100),
            (1080, 1440, 1800, 2160, 2388),
            (0, 1, 2, 3),
            (0, 1),
        ),
        Product(
            "merchant",
            0.28,
            (3, 6, 12, 18, 24),
            (10_000, 300_000, 1_000),
            (900, 1200, 1440, 1680),
            (4, 5),
            (1, 2),
            fee_bp=8,
            bullet_share=0.35,
        ),
    ),
    purposes=("购物", "装修", "教育", "医疗", "经营周转", "进货"),
    channels=("APP", "POS商户", "线下门店"),
    funders=("自有资金", "华东信托", "北方消费金融", "南湖银行"),
    habits=Habits(write_off_days=(270, 450)),
    risk=0.1,
)

_PRODUCTS = ("消费分期", "商户贷")
_METHODS = ("等额本息", "先息后本")
_GRADES = ("A", "B", "C", "D", "E")
_STATES = ("正常", "逾期", "已结清", "已核销")
_GENDERS = ("女", "男")
_INCOMES = ("3000元以下", "3000-5000元", "5000-8000元", "8000-15000元", "15000元以上")
_JOBS = ("个体户（餐饮）", "ＩＴ工程师", "网约车司机", "教师", "销售，兼职", "外卖骑手", "公司职员")
_KINDS = ("还款", "提前结清", "退回", "减免", "核销回收")
_CHANNELS = ("代扣", "APP主动", "银行转账", "催收", "")
_EVENTS = ("核销", "展期", "结清")

_COLUMNS = {
    "LOAN": (
        "借据号",
        "客户号",
        "产品",
        "用途",
        "渠道",
        "资金方",
        "借款金额",
        "年利率",
        "期数",
        "还款方式",
        "放款日期",
        "首期还款日",
        "到期日",
        "信用分",
        "风险等级",
        "剩余本金",
        "逾期本金",
        "逾期天数",
        "状态",
        "数据日期",
    ),
    "CUST": ("客户号", "姓名", "证件号", "手机号", "出生年份", "性别", "省份", "收入档", "职业", "数据日期"),
    "PLAN": ("借据号", "期数", "版本", "应还日", "应还本金", "应还利息", "应还费用", "生效日期", "数据日期"),
    "PAY": ("流水号", "借据号", "类型", "金额", "交易日期", "入账日期", "原流水号", "渠道", "数据日期"),
    "EVENT": ("借据号", "事件", "发生日期", "金额", "说明", "数据日期"),
}
_SUMS = {"LOAN": "借款金额", "CUST": "出生年份", "PLAN": "应还本金", "PAY": "金额", "EVENT": "金额"}


def _loan_ids(book: Book, loans: Ints) -> Block:
    return np.concatenate(
        [
            constant("LK", len(loans)),
            dates(book.disbursed[loans]),
            digits(book.number[loans], 7, zeros=True),
        ],
        axis=1,
    )


def _customer_ids(borrowers: Ints) -> Block:
    return np.concatenate([constant("C", len(borrowers)), digits(borrowers + 1, 9, zeros=True)], axis=1)


def _payment_ids(ids: Ints) -> Block:
    return np.concatenate(
        [
            constant("P", len(ids)),
            dates(ids // PAYMENTS_A_DAY),
            digits(ids % PAYMENTS_A_DAY, 7, zeros=True),
        ],
        axis=1,
    )


class Writer:
    """Writes the deliveries of one book."""

    _DYNAMIC = (("outstanding", 12), ("overdue", 12), ("dpd", 5), ("state", 6), ("date", 8))

    def __init__(self, book: Book, ledger: Ledger, start: date) -> None:
        self.book, self.ledger, self.start = book, ledger, day_number(start)
        self.files = self.bytes = 0
        self._open: dict[str, TrailedText] = {}
        self._states = lookup(_STATES, np.arange(len(_STATES)), ENCODING)
        self._lines = self._static_lines()
        self._stale = True

    def loan_ids(self, first: int, last: int) -> list[str]:
        """Loan ids as the files spell them."""
        block = _loan_ids(self.book, np.arange(first, last))
        return [] if first == last else [str(s) for s in block.view(f"S{block.shape[1]}").ravel().astype(str)]

    # ── what never changes of a loan's line, and where the rest goes ────────────────────────────────────

    def _static_lines(self) -> Block:
        book = self.book
        loans = np.arange(len(book))
        first, last = book.due[book.offset[:-1]], book.due[book.offset[1:] - 1]
        cells = [
            _loan_ids(book, loans),
            _customer_ids(book.borrower),
            lookup(_PRODUCTS, book.product, ENCODING),
            lookup(PROFILE.purposes, book.purpose, ENCODING),
            lookup(PROFILE.channels, book.channel, ENCODING),
            lookup(PROFILE.funders, book.funder, ENCODING),
            digits(book.principal),
            hundredths(book.rate_bp),
            digits(book.term),
            lookup(_METHODS, book.bullet.astype(np.int64), ENCODING),
            dates(book.disbursed),
            dates(first),
            dates(last),
            digits(book.score),
            lookup(_GRADES, book.grade, ENCODING),
        ]
        cells += [np.zeros((len(book), width), dtype=np.uint8) for _, width in self._DYNAMIC]
        self._at: dict[str, slice] = {}
        end = 0
        for k, cell in enumerate(cells):
            if k >= len(cells) - len(self._DYNAMIC):
                self._at[self._DYNAMIC[k - len(cells)][0]] = slice(end, end + cell.shape[1])
            end += cell.shape[1] + 1
        return row_block(cells)

    def _update(self, day: int, loans: Ints) -> None:
        ledger, at = self.ledger, self._at
        self._lines[loans, at["outstanding"]] = digits(ledger.outstanding[loans], 12)
        self._lines[loans, at["overdue"]] = digits(ledger.overdue_principal[loans], 12)
        self._days(day, loans)

    def _days(self, day: int, loans: Ints) -> None:
        ledger, at = self.ledger, self._at
        dpd = ledger.days_past_due(loans, day)
        dpd = np.where(ledger.state[loans] == SETTLED, 0, dpd)
        state = np.select([ledger.state[loans] == SETTLED, ledger.state[loans] == WRITTEN_OFF, dpd > 0], [2, 3, 1], 0)
        self._lines[loans, at["dpd"]] = digits(dpd, 5)
        self._lines[loans, at["state"]] = self._states[state]

    # ── a day ───────────────────────────────────────────────────────────────────────────────────────────

    def record(self, day: Day, landing: Landing | None) -> None:
        """Append the day's bookings to the open delivery; opens one where none is."""
        at = day.delivered_on
        if not self._open:
            folder = delivery_folder(day_date(at))
            self._open = {
                name: TrailedText(landing, folder, FORMAT.file_name(name, day_date(at)), columns, ENCODING)
                for name, columns in _COLUMNS.items()
            }
        self._customers(at, np.arange(*day.borrowers))
        new = np.arange(*day.loans)
        self._plans(at, new, np.ones(len(new), dtype=np.int64), self.book.disbursed[new].astype(np.int64))
        self._plans(at, day.replanned, self.ledger.version[day.replanned], np.full(len(day.replanned), day.day))
        self._payments(at, day.payments)
        self._events(at, day.day, day.events)

    def deliver(self, day: int, touched: Ints) -> None:
        """Write the loan snapshot and close the files."""
        ledger = self.ledger
        known = int(np.searchsorted(self.book.disbursed, day, side="right"))
        if self._stale:
            self._update(day, np.arange(known))
            self._stale = False
        else:
            self._update(day, touched)
        listed_until = np.maximum(ledger.terminal_on[:known].astype(np.int64), self.start) + LISTED_DAYS
        listed = np.flatnonzero((ledger.terminal_on[:known] == NEVER) | (listed_until >= day))
        late = listed[(ledger.oldest_due[listed] < day) & (ledger.state[listed] != SETTLED)]
        self._days(day, late)
        self._lines[listed, self._at["date"]] = dates(np.array([day]))
        chunk = 1 << 15
        for k in range(0, len(listed), chunk):
            some = listed[k : k + chunk]
            self._open["LOAN"].write(self._lines[some], int(self.book.principal[some].sum()))
        for file in self._open.values():
            file.close()
            self.files += file.written
            self.bytes += file.bytes
        self._open = {}

    def _customers(self, at: int, who: Ints) -> None:
        if not len(who):
            return
        people = self.book.borrowers.take(who)
        years = birth_years(people)
        self._open["CUST"].write(
            row_block(
                [
                    _customer_ids(who),
                    names(people, ENCODING),
                    identity_numbers(people),
                    phones(people, ENCODING),
                    digits(years),
                    lookup(_GENDERS, people.gender, ENCODING),
                    lookup(PROVINCES, people.province, ENCODING),
                    lookup(_INCOMES, people.income, ENCODING),
                    lookup(_JOBS, people.serial % len(_JOBS), ENCODING),
                    self._date(at, len(who)),
                ]
            ),
            int(years.sum()),
        )

    def _plans(self, at: int, loans: Ints, version: Ints, effective: Ints) -> None:
        if not len(loans):
            return
        book = self.book
        term = book.term[loans]
        nth = np.arange(int(term.sum())) - np.repeat(np.cumsum(term) - term, term)
        rows = np.repeat(book.offset[loans], term) + nth
        self._open["PLAN"].write(
            row_block(
                [
                    _loan_ids(book, np.repeat(loans, term)),
                    digits(nth + 1),
                    digits(np.repeat(version, term)),
                    dates(self.ledger.due[rows]),
                    digits(self.ledger.principal_due[rows]),
                    digits(self.ledger.interest_due[rows]),
                    digits(book.fee_due[rows]),
                    dates(np.repeat(effective, term)),
                    self._date(at, len(rows)),
                ]
            ),
            int(self.ledger.principal_due[rows].sum()),
        )

    def _payments(self, at: int, p: Payments) -> None:
        if not len(p):
            return
        self._open["PAY"].write(
            row_block(
                [
                    _payment_ids(p.id),
                    _loan_ids(self.book, p.loan),
                    lookup(_KINDS, p.kind, ENCODING),
                    digits(p.amount),
                    dates(p.value_on),
                    dates(p.posted_on),
                    blank(_payment_ids(np.maximum(p.reverses, 0)), p.reverses < 0),
                    lookup(_CHANNELS, p.channel, ENCODING),
                    self._date(at, len(p)),
                ]
            ),
            int(p.amount.sum()),
        )

    def _events(self, at: int, day: int, events: Events) -> None:
        if not len(events):
            return
        note = np.concatenate(
            [
                lookup(("", "展期"), (events.months > 0).astype(np.int64), ENCODING),
                blank(digits(events.months), events.months == 0),
                lookup(("", "个月"), (events.months > 0).astype(np.int64), ENCODING),
            ],
            axis=1,
        )
        self._open["EVENT"].write(
            row_block(
                [
                    _loan_ids(self.book, events.loan),
                    lookup(_EVENTS, events.kind, ENCODING),
                    dates(np.full(len(events), day)),
                    digits(events.amount),
                    note,
                    self._date(at, len(events)),
                ]
            ),
            int(events.amount.sum()),
        )

    @staticmethod
    def _date(day: int, rows: int) -> Block:
        return constant(squeeze(dates(np.array([day]))).decode(), rows)


def writer(book: Book, ledger: Ledger, start: date) -> Writer:
    """A writer whose first delivery is for `start`."""
    return Writer(book, ledger, start)


class _Format:
    """The files as tables, for faults."""

    encoding = ENCODING
    roles = Roles(
        loans="LOAN",
        payments="PAY",
        loan_id="借据号",
        number="信用分",
        date="放款日期",
        renamed=("借款金额", "贷款金额"),
        business_date="数据日期",
        payment_id="流水号",
        value_on="交易日期",
        posted_on="入账日期",
        kind="类型",
        a_payment="还款",
        reverses="原流水号",
        a_reversal="退回",
        amount="金额",
        plans="PLAN",
        planned_loan="借据号",
        text="资金方",
        days_late="逾期天数",
    )

    def folder(self, day: date) -> str:
        return delivery_folder(day)

    def file_name(self, resource: str, day: date) -> str:
        return f"{resource}_{day:%Y%m%d}.txt"

    def date_text(self, day: date) -> str:
        return f"{day:%Y%m%d}"

    def parse(self, resource: str, data: bytes) -> Table:
        lines = data.decode(ENCODING).split("\n")
        return Table(lines[0].split("|"), [line.split("|") for line in lines[1:-2]])

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        at = _COLUMNS[resource].index(_SUMS[resource])
        total = sum(int(row[at]) for row in table.rows)
        lines = ["|".join(row) for row in [table.header, *table.rows]]
        lines.append(f"TRAILER|{len(table.rows) + rows_off}|{total + sum_off}")
        return ("\n".join(lines) + "\n").encode(ENCODING)


FORMAT: FileFormat = _Format()
