"""Personal data, by the column's name or by what its values look like. In doubt it is personal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from arrears.onboard.names import normalised

PersonalKind = Literal["identity number", "telephone number", "name", "address", "account", "e-mail address"]

_NAMES: tuple[tuple[PersonalKind, re.Pattern[str]], ...] = (
    ("identity number", re.compile("身份证|证件号|护照|idcard|idno$|idnumber|identity|nationalid|passport|ssn$")),
    ("telephone number", re.compile("手机|电话|联系方式|phone|mobile|telephone|^tel")),
    ("e-mail address", re.compile("邮箱|email")),
    ("account", re.compile("银行卡|卡号|账号|账户|微信|bankcard|card(no|number)|account(no|number)|iban|wechat|^qq")),
    ("address", re.compile("地址|住址|address$")),
    ("name", re.compile("姓名|户名|借款人名|客户名称|联系人$|^name$")),
    ("name", re.compile("(full|first|last|user|borrower|customer|client|cust|person|contact)name")),
)
# Whether a telephone was verified is said of a person, and names nobody.
_ABOUT = re.compile("认证$|是否|状态$|标志$|verified$|^is|^has|flag$|hash$")
_IDENTITY = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)
_MOBILE = re.compile(r"(?<![0-9A-Za-z.-])1[3-9][0-9]{9}(?![0-9.])")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")
_SURNAMES = set(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊"
    "金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
SHARE = 0.1  # of the values that have to look like it
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_identity_number(text: str) -> bool:
    """Whether 18 characters are a Chinese identity number: its last one is computed from the others."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:17], strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def personal_kind(name: str, values: Sequence[str]) -> PersonalKind | None:
    """What personal data a column holds; None for none. values: without missing ones."""
    return _by_name(name) or _by_values(values)


def _by_name(name: str) -> PersonalKind | None:
    for part in (normalised(name.rpartition(".")[2]), normalised(name)):
        if not _ABOUT.search(part):
            for kind, pattern in _NAMES:
                if pattern.search(part):
                    return kind
    return None


def _by_values(values: Sequence[str]) -> PersonalKind | None:
    if not values:
        return None
    few = max(1, SHARE * len(values))
    if sum(any(map(is_identity_number, _IDENTITY.findall(value))) for value in values) >= few:
        return "identity number"
    if sum(_MOBILE.search(value) is not None for value in values) >= few:
        return "telephone number"
    if sum(_EMAIL.search(value) is not None for value in values) >= few:
        return "e-mail address"
    like_names = sum(_looks_like_name(value) for value in values)
    varied = len(set(values)) > 0.3 * len(values)
    return "name" if len(values) >= 10 and like_names >= 0.8 * len(values) and varied else None


def _looks_like_name(value: str) -> bool:
    return 2 <= len(value) <= 4 and value[0] in _SURNAMES and all("\u4e00" <= letter <= "\u9fff" for letter in value)
