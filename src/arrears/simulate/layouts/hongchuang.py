"""红创金服: one Excel workbook a day, a sheet a table.

All cells are text: amounts 5,000.00, rates 18.0%, dates 2024年1月5日. Above the header of each sheet stands its title,
merged over the columns. Sheets:

- 借款: loans lent that day. 客户: customers whose first loan is among them.
- 还款计划: plans of loans lent or re-planned that day, and of those whose amounts moved; a new plan is a new version.
- 还款流水: payments posted that day. Amounts are positive; 退回 and 拒付 name the payment they take back.
- 事件: write-offs, extensions, settlements and what else happened to a loan. An extension says why.
- 催收记录: attempts to collect, with the time of day.
- 余额: the position at the close of the day, of every loan that something happened to or that is overdue, and on
  month-ends of all that are active.

The first delivery carries everything from the beginning of the book. A sheet holds about a million rows, so the
lender stays small (`Profile.most_loans`).
"""

from __future__ import annotations

from datetime import date

import numpy as np

from arrears.simulate.book import Book, Ints, day_date, day_number
from arrears.simulate.cells import CHINESE, grouped, instants, percents, spelled_dates
from arrears.simulate.faults.form import FileFormat, Roles, Table
from arrears.simulate.formats_workbook import SheetHead, WorkbookFile, parse_workbook, render_workbook
from arrears.simulate.layouts._plans import PlanChanges, PlanRows, newest
from arrears.simulate.layouts._positions import Positions, status
from arrears.simulate.ledger import Ledger
from arrears.simulate.persons import PROVINCES, birth_years, identity_numbers, names, phones
from arrears.simulate.profile import Agency, Habits, Product, Profile
from arrears.simulate.records import (
    ACTIONS_A_DAY,
    EXTENDED,
    PAYMENTS_A_DAY,
    RESTRUCTURED,
    Actions,
    Day,
    Events,
    Payments,
)
from arrears.simulate.writers import (
    Block,
    Landing,
    blank,
    constant,
    dates,
    delivery_folder,
    digits,
    lookup,
)

_TEXT = "utf-8"
_HOURS_EAST = 8

PROFILE = Profile(
    products=(
        Product(
            "personal_loan",
            0.45,
            (6, 12, 18, 24),
            (5_000, 100_000, 1_000),
            (1080, 1260, 1440, 1680, 1800),
            (0, 1, 2, 3),
            (0, 1),
            bullet_share=0.1,
        ),
        Product(
            "consumer_credit",
            0.55,
            (3, 6, 9, 12),
            (1_000, 20_000, 500),
            (1440, 1680, 1800, 2160, 2400),
            (2, 4, 5),
            (1, 2),
        ),
    ),
    purposes=("装修", "医疗", "教育", "婚庆", "数码家电", "旅游"),
    channels=("线下门店", "APP", "合作商户"),
    funders=("自有资金", "红创一号信托", "西部消费金融"),
    habits=Habits(
        extend=0.12,
        restructure=0.03,
        pause=0.02,
        settle_short=0.05,
        refund=0.5,
        write_off_days=(180, 270),
        common=0.3,
        collection=0.4,
    ),
    agencies=(Agency("恒信催收", skill=0.6, manners=0.95), Agency("诚达法务", skill=0.45, manners=0.8)),
    most_loans=20_000,
)

_PRODUCTS = ("个人贷款", "消费信贷")
_METHODS = ("等额本息", "先息后本")
_GRADES = ("A", "B", "C", "D", "E")
_GENDERS = ("女", "男")
_INCOMES = ("3000元以下", "3000-5000元", "5000-8000元", "8000-15000元", "15000元以上")
_KINDS = ("还款", "提前结清", "退回", "减免", "核销回收", "拒付", "退款", "代偿", "回购")
_CHANNELS = ("代扣", "APP主动", "银行转账", "催收", "")
_EVENTS = ("核销", "展期", "结清", "转让", "重组", "暂停", "恢复")
_REASONS = ("患病", "患病", "失业", "失业", "收入下降", "收入下降", "收入下降", "家庭变故", "回款延迟", "其他")
_CONTACTS = ("电话", "短信", "上门", "信函", "APP", "法务")
_PARTIES = ("", "本人", "联系人")
_OUTCOMES = ("无人接听", "拒绝还款", "承诺还款", "称已还款", "经济困难", "投诉", "已送达")
_YES_NO = ("否", "是")
_STATUSES = ("正常", "已结清", "已核销", "已转让", "已代偿", "已回购", "逾期")
"""In the order of `layouts._positions.STATUSES`."""

_SHEETS = {
    "借款": (
        "借款编号",
        "客户编号",
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
        "数据日期",
    ),
    "客户": ("客户编号", "姓名", "证件号", "手机号", "出生年份", "性别", "省份", "收入档", "数据日期"),
    "还款计划": (
        "借款编号",
        "期数",
        "版本",
        "应还日",
        "应还本金",
        "应还利息",
        "应还费用",
        "应还罚息",
        "生效日期",
        "数据日期",
    ),
    "还款流水": ("流水号", "借款编号", "类型", "金额", "交易日期", "入账日期", "原流水号", "渠道", "数据日期"),
    "事件": ("借款编号", "事件", "发生日期", "金额", "说明", "数据日期"),
    "催收记录": (
        "记录编号",
        "借款编号",
        "催收时间",
        "方式",
        "机构",
        "是否接通",
        "对象",
        "结果",
        "承诺金额",
        "承诺日期",
        "是否投诉",
        "数据日期",
    ),
    "余额": ("借款编号", "剩余本金", "逾期本金", "逾期天数", "状态", "数据日期"),
}


def _loan_ids(book: Book, loans: Ints) -> Block:
    """HC, the day without its century, and the running number of the day."""
    day = dates(book.disbursed[loans])[:, 2:]
    return np.concatenate([constant("HC", len(loans)), day, digits(book.number[loans], 5, zeros=True)], axis=1)


def _customer_ids(borrowers: Ints) -> Block:
    return np.concatenate([constant("KH", len(borrowers)), digits(borrowers + 1, 8, zeros=True)], axis=1)


def _numbered(prefix: str, ids: Ints, a_day: int) -> Block:
    """A prefix, the day, and the running number of the day."""
    return np.concatenate(
        [constant(prefix, len(ids)), dates(ids // a_day), digits(ids % a_day, 7, zeros=True)],
        axis=1,
    )


def _payment_ids(ids: Ints) -> Block:
    return _numbered("HK", ids, PAYMENTS_A_DAY)


def _spelled(days: Ints) -> Block:
    return spelled_dates(days, CHINESE, padded=False)


class Writer:
    """Writes the deliveries of one book."""

    def __init__(self, book: Book, ledger: Ledger, start: date) -> None:
        self.book, self.ledger, self.start = book, ledger, day_number(start)
        self.files = self.bytes = 0
        self._file: WorkbookFile | None = None
        self._plans = PlanChanges(book, ledger)
        self._positions = Positions(book, ledger)
        self._instalments: list[PlanRows] = []

    def loan_ids(self, first: int, last: int) -> list[str]:
        """Loan ids as the files spell them."""
        block = _loan_ids(self.book, np.arange(first, last))
        return [] if first == last else [str(s) for s in block.view(f"S{block.shape[1]}").ravel().astype(str)]

    # ── a day ───────────────────────────────────────────────────────────────────────────────────────────

    def record(self, day: Day, landing: Landing | None) -> None:
        """Append the day's bookings to the open workbook; opens one where none is."""
        at = day.delivered_on
        if self._file is None:
            on = day_date(at)
            heads = {name: SheetHead(f"红创金服 {name} {_chinese(on)}", columns) for name, columns in _SHEETS.items()}
            self._file = WorkbookFile(landing, delivery_folder(on), FORMAT.file_name("借款", on), heads)
        self._instalments += self._plans.of(day)
        self._positions.note(day)
        self._write_loans(self._file, at, np.arange(*day.loans))
        self._write_customers(self._file, at, np.arange(*day.borrowers))
        self._write_payments(self._file, at, day.payments)
        self._write_events(self._file, at, day.day, day.events)
        self._write_actions(self._file, at, day.actions)

    def deliver(self, day: int, touched: Ints) -> None:
        """Write plans, positions and the file."""
        if self._file is None:
            raise RuntimeError("nothing was recorded for this delivery")
        self._write_instalments(self._file, day, newest(self._instalments))
        self._write_positions(self._file, day, self._positions.reported(day, touched))
        self._positions.delivered()
        self._file.close()
        self.files += self._file.written
        self.bytes += self._file.bytes
        self._file, self._instalments = None, []

    # ── sheets ──────────────────────────────────────────────────────────────────────────────────────────

    def _write_loans(self, file: WorkbookFile, at: int, new: Ints) -> None:
        if not len(new):
            return
        book = self.book
        file.write(
            "借款",
            [
                _loan_ids(book, new),
                _customer_ids(book.borrower[new]),
                lookup(_PRODUCTS, book.product[new], _TEXT),
                lookup(PROFILE.purposes, book.purpose[new], _TEXT),
                lookup(PROFILE.channels, book.channel[new], _TEXT),
                lookup(PROFILE.funders, book.funder[new], _TEXT),
                grouped(book.principal[new]),
                percents(book.rate_bp[new]),
                digits(book.term[new]),
                lookup(_METHODS, book.bullet[new].astype(np.int64), _TEXT),
                _spelled(book.disbursed[new].astype(np.int64)),
                _spelled(book.due[book.offset[new]].astype(np.int64)),
                _spelled(book.due[book.offset[new + 1] - 1].astype(np.int64)),
                digits(book.score[new]),
                lookup(_GRADES, book.grade[new], _TEXT),
                _one_day(at, len(new)),
            ],
        )

    def _write_customers(self, file: WorkbookFile, at: int, who: Ints) -> None:
        if not len(who):
            return
        people = self.book.borrowers.take(who)
        file.write(
            "客户",
            [
                _customer_ids(who),
                names(people, _TEXT),
                identity_numbers(people),
                phones(people, _TEXT),
                digits(birth_years(people)),
                lookup(_GENDERS, people.gender, _TEXT),
                lookup(PROVINCES, people.province, _TEXT),
                lookup(_INCOMES, people.income, _TEXT),
                _one_day(at, len(who)),
            ],
        )

    def _write_instalments(self, file: WorkbookFile, at: int, plans: PlanRows) -> None:
        if not len(plans):
            return
        file.write(
            "还款计划",
            [
                _loan_ids(self.book, plans.loan),
                digits(plans.number),
                digits(plans.version),
                _spelled(plans.due),
                grouped(plans.principal),
                grouped(plans.interest),
                grouped(plans.fee),
                grouped(plans.penalty),
                _spelled(plans.effective),
                _one_day(at, len(plans)),
            ],
        )

    def _write_payments(self, file: WorkbookFile, at: int, p: Payments) -> None:
        if not len(p):
            return
        file.write(
            "还款流水",
            [
                _payment_ids(p.id),
                _loan_ids(self.book, p.loan),
                lookup(_KINDS, p.kind, _TEXT),
                grouped(p.amount),
                _spelled(p.value_on),
                _spelled(p.posted_on),
                blank(_payment_ids(np.maximum(p.reverses, 0)), p.reverses < 0),
                lookup(_CHANNELS, p.channel, _TEXT),
                _one_day(at, len(p)),
            ],
        )

    def _write_events(self, file: WorkbookFile, at: int, day: int, events: Events) -> None:
        if not len(events):
            return
        file.write(
            "事件",
            [
                _loan_ids(self.book, events.loan),
                lookup(_EVENTS, events.kind, _TEXT),
                _spelled(np.full(len(events), day)),
                grouped(events.amount),
                self._notes(events),
                _one_day(at, len(events)),
            ],
        )

    def _notes(self, events: Events) -> Block:
        """展期3个月，患病; 重组2个月. Why a loan is extended is as good as drawn: it depends on nothing else."""
        extended = (events.kind == EXTENDED) & (events.months > 0)
        moved = extended | ((events.kind == RESTRUCTURED) & (events.months > 0))
        reason = (self.book.number[events.loan] * 7 + self.book.disbursed[events.loan]) % len(_REASONS)
        return np.concatenate(
            [
                blank(lookup(_EVENTS, events.kind, _TEXT), ~moved),
                blank(digits(events.months), ~moved),
                lookup(("", "个月"), moved.astype(np.int64), _TEXT),
                lookup(("", "，"), extended.astype(np.int64), _TEXT),
                blank(lookup(_REASONS, reason, _TEXT), ~extended),
            ],
            axis=1,
        )

    def _write_actions(self, file: WorkbookFile, at: int, actions: Actions) -> None:
        if not len(actions):
            return
        agencies = ("", *(agency.name for agency in PROFILE.agencies))
        file.write(
            "催收记录",
            [
                _numbered("CS", actions.id, ACTIONS_A_DAY),
                _loan_ids(self.book, actions.loan),
                instants(actions.at, _HOURS_EAST),
                lookup(_CONTACTS, actions.channel, _TEXT),
                lookup(agencies, actions.agency + 1, _TEXT),
                lookup(_YES_NO, actions.connected.astype(np.int64), _TEXT),
                lookup(_PARTIES, actions.party + 1, _TEXT),
                lookup(_OUTCOMES, actions.outcome, _TEXT),
                blank(grouped(np.maximum(actions.promised_amount, 0)), actions.promised_amount < 0),
                blank(_spelled(np.maximum(actions.promised_on, 0)), actions.promised_on < 0),
                lookup(_YES_NO, actions.complaint.astype(np.int64), _TEXT),
                _one_day(at, len(actions)),
            ],
        )

    def _write_positions(self, file: WorkbookFile, day: int, loans: Ints) -> None:
        if not len(loans):
            return
        days_late = self._positions.days_late(loans, day)
        file.write(
            "余额",
            [
                _loan_ids(self.book, loans),
                grouped(self.ledger.outstanding[loans]),
                grouped(self.ledger.overdue_principal[loans]),
                digits(days_late),
                lookup(_STATUSES, status(self.ledger.state[loans], days_late > 0), _TEXT),
                _one_day(day, len(loans)),
            ],
        )


def _chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _one_day(day: int, rows: int) -> Block:
    return constant(_chinese(day_date(day)), rows, _TEXT)


def writer(book: Book, ledger: Ledger, start: date) -> Writer:
    """A writer whose first delivery is for `start`."""
    return Writer(book, ledger, start)


class _Format:
    """The workbook's sheets as tables, for faults."""

    encoding = _TEXT
    roles = Roles(
        loans="借款",
        payments="还款流水",
        loan_id="借款编号",
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
        text="资金方",
        mode="upsert",
        medium="workbook",
        control=None,
    )

    def folder(self, day: date) -> str:
        return delivery_folder(day)

    def file_name(self, resource: str, day: date) -> str:
        return f"hongchuang_{day:%Y%m%d}.xlsx"

    def date_text(self, day: date) -> str:
        return _chinese(day)

    def parse(self, resource: str, data: bytes) -> Table:
        return parse_workbook(resource, data)

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        return render_workbook(resource, table)


FORMAT: FileFormat = _Format()
