"""What columns and files are called, in Chinese and English, by the canonical field that they fill.

One table, to be added to. Names are compared without case, blanks, signs and units in brackets, and with
日期 as 日, 编号 and 号码 as 号: `到期日`, `ListingId` and `loan_no` stand for their other spellings too. A member of
an object is looked up with the object's name before it (`borrower.id`), then without. Earlier names are better ones.
"""

from __future__ import annotations

import re
import unicodedata

_LOAN = (
    "借据号 合同号 贷款号 借款号 贷款账号 标的号 订单号 ListingId loan_id loan_no loan_number contract_no contract_id "
    "agreement_no loan"
)
_BORROWER = (
    "客户号 借款人号 用户号 会员号 borrower_id borrower_no customer_id customer_no cust_no cust_id client_id user_id"
)
_BUSINESS_DATE = (
    "数据日 业务日 统计日 报告日 快照日 recorddate business_date biz_date data_date report_date snapshot_date as_of"
)

FIELDS: dict[str, dict[str, str]] = {
    "loan": {
        "loan_id": f"{_LOAN} id",
        "borrower_id": f"{_BORROWER} borrower.id customer.id borrower customer",
        "product": "产品 产品名称 产品类型 贷款产品 业务类型 业务品种 借款类型 product product_code "
        "product_name loan_type",
        "purpose": "用途 借款用途 贷款用途 purpose loan_purpose",
        "channel": "渠道 进件渠道 获客渠道 channel source_channel origination_channel",
        "funder": "资金方 资方 出资方 资金来源 funder investor funding_source",
        "currency": "币种 货币 currency ccy",
        "principal": "借款金额 贷款金额 放款金额 合同金额 借款本金 贷款本金 principal loan_amount original_principal "
        "disbursed_amount original_balance 本金 金额 amount",
        "annual_rate": "年利率 年化利率 借款利率 贷款利率 执行利率 利率 annual_rate interest_rate apr rate",
        "term_months": "期限 总期数 借款期限 贷款期限 分期数 期数 term_months term months tenor",
        "repayment_method": "还款方式 repayment_method repayment_type amortisation method",
        "disbursed_on": "放款日 起息日 借款日 发放日 贷款发放日 借款成功日 成交日 disbursed_on disbursed "
        "disbursement_date origination_date originated funded_on paid_out open_date start_date loan_date",
        "first_due_on": "首期还款日 首次还款日 首期到期日 首还日 first_due_on first_due first_due_date "
        "first_payment_date",
        "maturity_on": "到期日 贷款到期日 合同到期日 最后还款日 末期还款日 maturity_on maturity maturity_date end_date",
        "credit_score": "信用分 信用评分 评分 credit_score score",
        "risk_grade": "风险等级 信用等级 初始评级 风险评级 评级 risk_grade grade rating",
    },
    "borrower": {
        "borrower_id": f"{_BORROWER} id",
        "birth_year": "出生年份 出生年 birth_year year_of_birth",
        "gender": "性别 gender sex",
        "province": "省份 省 所在省 户籍省份 province",
        "income_band": "收入档 收入区间 收入 月收入 income_band income",
        "identity_hash": "身份证号 身份证 证件号 身份证件号 id_number id_card id_no identity_no national_id",
    },
    "instalment": {
        "loan_id": _LOAN,
        "instalment_no": "期次 期号 期数 还款期数 instalment_no installment_no instalment number no period term_no seq",
        "schedule_version": "版本 计划版本 schedule_version plan_version version",
        "due_on": "应还日 应还款日 计划还款日 到期日 due_on due_date due",
        "principal_due": "应还本金 本期本金 计划本金 principal_due scheduled_principal principal 本金",
        "interest_due": "应还利息 本期利息 计划利息 interest_due scheduled_interest interest 利息",
        "fee_due": "应还费用 应还手续费 应还服务费 fee_due fee fees 费用 手续费",
        "penalty_due": "应还罚息 应还违约金 penalty_due penalty late_fee 罚息",
        "effective_on": "生效日 effective_on effective_from effective_date effective",
    },
    "payment": {
        "payment_id": "流水号 还款流水号 交易流水号 交易号 还款号 payment_id payment_no transaction_id "
        "txn_id receipt_no id",
        "loan_id": _LOAN,
        "instalment_no": "期次 期号 期数 还款期数 instalment_no installment_no instalment period",
        "value_on": "交易日 实还日 实际还款日 还款日 付款日 支付日 value_on value_date payment_date "
        "paid_on value day date",
        "posted_on": "入账日 记账日 posted_on posting_date booking_date posted booked_on",
        "kind": "类型 交易类型 还款类型 kind payment_type transaction_type type",
        "amount": "还款金额 实还金额 实还总额 交易金额 支付金额 金额 payment_amount paid_amount amount",
        "principal": "实还本金 还款本金 principal_paid principal 本金",
        "interest": "实还利息 还款利息 interest_paid interest 利息",
        "fee": "实还费用 实还手续费 fee_paid fee 费用",
        "penalty": "实还罚息 penalty_paid penalty 罚息",
        "reverses_payment_id": "原流水号 原交易号 冲正流水号 reverses_payment_id original_payment_id reversal_of "
        "reverses",
        "channel": "渠道 还款渠道 支付渠道 payment_channel channel",
    },
    "loan_event": {
        "loan_id": _LOAN,
        "event_on": "发生日 事件日 event_on event_date on date",
        "kind": "事件 事件类型 event_type event kind type 类型",
        "amount": "金额 amount",
        "detail": "说明 备注 detail note remark reason",
    },
    "collection_action": {
        "action_id": "催收记录号 记录号 催收号 action_id action_no id",
        "loan_id": _LOAN,
        "acted_at": "催收时间 联系时间 拨打时间 acted_at action_time contacted_at timestamp",
        "channel": "催收方式 方式 channel",
        "agency": "催收机构 委外机构 机构 agency",
        "connected": "是否接通 接通 connected",
        "party": "联系对象 对象 party",
        "outcome": "催收结果 结果 outcome result",
        "promised_amount": "承诺金额 承诺还款金额 promised_amount promise.amount",
        "promised_on": "承诺日 承诺还款日 promised_on promise.on",
        "complaint": "是否投诉 投诉 complaint",
    },
    "reported_position": {
        "loan_id": _LOAN,
        "as_of": _BUSINESS_DATE,
        "outstanding_principal": "剩余本金 待还本金 未还本金 贷款余额 本金余额 余额 outstanding_principal "
        "principal_balance remaining_principal outstanding balance",
        "overdue_principal": "逾期本金 overdue_principal past_due_principal overdue",
        "dpd": "逾期天数 当前逾期天数 标当前逾期天数 dpd days_past_due overdue_days",
        "status": "状态 贷款状态 标当前状态 status loan_status",
    },
}

FILES: dict[str, str] = {
    "loan": "借款 借据 贷款 放款 loan contract listing",
    "borrower": "客户 用户 借款人 cust customer client borrower user",
    "instalment": "还款计划 计划 分期 plan schedule instal repayment_plan",
    "payment": "还款流水 流水 实还 pay payment transaction receipt",
    "loan_event": "事件 变更 event",
    "collection_action": "催收 collect action dunning",
    "reported_position": "余额 头寸 position balance",
}
BUSINESS_DATES = f"{_BUSINESS_DATE} 日"
CHANGE_OPERATIONS = "op operation change_type dml_type 操作 操作类型 变更类型"
CHANGE_TIMES = "updated_at update_time changed_at modified_at last_update_time 更新时间 修改时间 变更时间"

# What values mean, by field. A value that is not here is left to a person.
VALUES: dict[tuple[str, str], dict[str, str]] = {
    ("payment", "kind"): {
        "repayment": "还款 正常还款 主动还款 代扣还款 repayment repay payment",
        "prepayment": "提前还款 提前结清 prepayment prepay early_settlement",
        "reversal": "退回 冲正 还款冲正 撤销 reversal reverse returned",
        "chargeback": "拒付 chargeback charged_back",
        "refund": "退款 refund",
        "waiver": "减免 豁免 waiver waive waived",
        "recovery": "核销回收 核销后回收 recovery recover",
        "compensation": "代偿 compensation compensate",
        "buyback": "回购 buyback buy_back repurchase",
    },
    ("loan_event", "kind"): {
        "written_off": "核销 written_off write_off charge_off",
        "settled": "结清 已结清 settled settle",
        "transferred": "转让 债转 transferred transfer",
        "extended": "展期 extended extend extension",
        "restructured": "重组 restructured restructure",
        "paused": "暂停 paused pause",
        "resumed": "恢复 resumed resume",
    },
    ("collection_action", "channel"): {
        "phone": "电话 phone call",
        "sms": "短信 sms",
        "visit": "上门 外访 visit",
        "letter": "信函 letter",
        "app": "APP app push",
        "legal": "法务 诉讼 legal",
    },
    ("collection_action", "party"): {
        "debtor": "本人 借款人 debtor self borrower",
        "contact": "联系人 第三方 contact third_party",
    },
    ("borrower", "gender"): {"male": "男 男性 male M", "female": "女 女性 female F"},
}

# What stands in brackets in the name of an amount or a rate, by the contract's unit.
UNITS: dict[str, str] = {
    "fen": "分 人民币分 fen cent cents",
    "thousand": "千元 千 人民币千元 thousand thousands k",
    "wan": "万元 万 人民币万元 wan",
    "percent": "% percent",
    "permille": "‰ permille",
}
WHOLE_UNITS = "元 圆 人民币元 美元 欧元 港元 yuan"
CURRENCIES = "人民币 cny rmb usd eur gbp hkd"  # say nothing about hundredths
COARSE = ("thousand", "wan")  # amounts in them have decimals, whatever a few rows show
OF_AMOUNTS, OF_RATES = ("fen", *COARSE), ("percent", "permille")
BRACKETS = re.compile(r"[(\[【](.*?)[)\]】]")


def normalised(name: str) -> str:
    """A name as it is compared."""
    plain = BRACKETS.sub("", unicodedata.normalize("NFKC", name).casefold())
    plain = re.sub(r"[\W_]", "", plain)
    return plain.replace("日期", "日").replace("编号", "号").replace("号码", "号")


def _ranked(names: str) -> dict[str, int]:
    return {name: rank for rank, name in reversed(list(enumerate(map(normalised, names.split()))))}


_RANKED = {entity: {field: _ranked(names) for field, names in fields.items()} for entity, fields in FIELDS.items()}


def rank(entity: str, field: str, name: str) -> int | None:
    """How well a column's name fits a field, 0 the best; None where it does not. Full names before those of members."""
    known = _RANKED[entity][field]
    full, member = normalised(name), normalised(name.rpartition(".")[2])
    return known[full] if full in known else known[member] + 100 if member in known else None


def is_among(name: str, names: str) -> bool:
    return normalised(name) in _ranked(names) or normalised(name.rpartition(".")[2]) in _ranked(names)


def unit(name: str) -> str | None:
    """The unit of the contract that a column's name says: 金额（万元）, 金额（分）, amount_fen; not 分期金额."""
    said = [unit for text in _in_brackets(name) for unit, names in UNITS.items() if text in names.split()]
    if said:
        return said[0]
    return "fen" if re.search(r"分$|_(fen|cents?)$", name, re.IGNORECASE) else None


def says_whole_units(name: str) -> bool:
    """Whether a column's name says that its amounts are in whole units of the currency: 金额（元）."""
    return any(text in WHOLE_UNITS.split() for text in _in_brackets(name))


def unknown_unit(name: str) -> str | None:
    """What a column's name says in brackets that may be a unit, and is none that we know: 金额（百万元）."""
    known = {text for names in (*UNITS.values(), WHOLE_UNITS, CURRENCIES) for text in names.split()}
    return next((text for text in _in_brackets(name) if text not in known), None)


def _in_brackets(name: str) -> list[str]:
    """What stands in brackets, as it is compared: 万元 of 金额（单位：万元）."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return [re.sub(r"\s|^单位|^unit\b|:", "", text) for text in BRACKETS.findall(plain)]


def meaning(entity: str, field: str, value: str) -> str | None:
    """What a value means to us, as far as the table knows."""
    known = VALUES.get((entity, field), {})
    return next((ours for ours, theirs in known.items() if normalised(value) in _ranked(theirs)), None)
