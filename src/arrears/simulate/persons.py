"""Invented people as text: names, identity numbers and phone numbers that look right and belong to nobody.

Identity numbers are well-formed (18 digits, birth date, sex, check digit) but carry a county code that was never
issued. Names include characters that GB18030 writes in four bytes, full-width spaces, and names with a middle dot.
"""

from __future__ import annotations

import numpy as np

from arrears.simulate.book import Ints, People
from arrears.simulate.writers import Block, dates, digits, lookup

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
COMPOUND_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "夏侯")
GIVEN = (
    "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红玲芬燕彬辉宇浩凯健俊帆雪琳晶倩欣怡佳思雨梓涵子轩"
    "浩然诗琪博文志鹏建国海波小龙春梅冬雷文斌晓东雅婷家豪嘉怡景行若曦云飞一诺天佑"
)
RARE = ("\U00020bb7", "\u4dae", "\u36c3", "\U00023c98", "\U0002b627", "\u3b4e", "喆", "堃", "珺", "䶮")
DOTTED = ("阿依古丽·买买提", "买买提·吐尔逊", "迪丽拜尔·阿不都", "扎西·多吉", "巴特尔·苏和")

PROVINCES = (
    "北京市",
    "天津市",
    "河北省",
    "山西省",
    "内蒙古自治区",
    "辽宁省",
    "吉林省",
    "黑龙江省",
    "上海市",
    "江苏省",
    "浙江省",
    "安徽省",
    "福建省",
    "江西省",
    "山东省",
    "河南省",
    "湖北省",
    "湖南省",
    "广东省",
    "广西壮族自治区",
    "海南省",
    "重庆市",
    "四川省",
    "贵州省",
    "云南省",
    "西藏自治区",
    "陕西省",
    "甘肃省",
    "青海省",
    "宁夏回族自治区",
    "新疆维吾尔自治区",
)
_PROVINCE_CODES = np.array(
    [
        11,
        12,
        13,
        14,
        15,
        21,
        22,
        23,
        31,
        32,
        33,
        34,
        35,
        36,
        37,
        41,
        42,
        43,
        44,
        45,
        46,
        50,
        51,
        52,
        53,
        54,
        61,
        62,
        63,
        64,
        65,
    ]
)
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CHECKS = tuple("10X98765432")
_FIGURES = tuple("0123456789０１２３４５６７８９")
_ALL_SURNAMES = (*SURNAMES, *COMPOUND_SURNAMES, *DOTTED)
_ALL_GIVEN = (*GIVEN, "", *RARE)


def names(people: People, encoding: str) -> Block:
    """Full names: surname, sometimes a full-width space, one or two characters."""
    unusual = people.spelling
    usual = len(SURNAMES) + len(COMPOUND_SURNAMES)
    surname = np.where(
        people.surname < 970, people.surname % len(SURNAMES), len(SURNAMES) + people.surname % len(COMPOUND_SURNAMES)
    )
    dotted = (unusual >= 40) & (unusual < 55)
    surname = np.where(dotted, usual + unusual % len(DOTTED), surname)
    second = np.where(people.given[:, 1] < 0, len(GIVEN), people.given[:, 1] % len(GIVEN))
    rare = (unusual >= 1) & (unusual < 40)
    first = np.where(rare, len(GIVEN) + 1 + unusual % len(RARE), people.given[:, 0] % len(GIVEN))
    first, second = (np.where(dotted, len(GIVEN), part) for part in (first, second))
    spaced = ((unusual >= 55) & (unusual < 70)).astype(np.int64)
    return np.concatenate(
        [
            lookup(_ALL_SURNAMES, surname, encoding),
            lookup(("", "\u3000"), spaced, encoding),
            lookup(_ALL_GIVEN, first, encoding),
            lookup(_ALL_GIVEN, second, encoding),
        ],
        axis=1,
    )


def identity_numbers(people: People) -> Block:
    """18-character identity numbers (county 00nn, which no county has)."""
    order = (people.serial * 2 + people.gender) % 100_000
    head = np.concatenate(
        [
            digits(_PROVINCE_CODES[people.province], 2),
            digits(order // 1000, 4, zeros=True),
            dates(people.born),
            digits(order % 1000, 3, zeros=True),
        ],
        axis=1,
    )
    remainder = ((head.astype(np.int64) - ord("0")) @ _WEIGHTS) % 11
    return np.concatenate([head, lookup(_CHECKS, remainder, "ascii")], axis=1)


def phones(people: People, encoding: str) -> Block:
    """Mobile numbers of 11 digits, some of them written in full-width digits."""
    wide = (people.spelling >= 70) & (people.spelling < 85)
    plain = digits(people.phone, 11)
    which = (plain.astype(np.int64) - ord("0")) + 10 * wide[:, None]
    return np.concatenate([lookup(_FIGURES, which[:, k], encoding) for k in range(11)], axis=1)


def birth_years(people: People) -> Ints:
    """Calendar years of birth."""
    return people.born.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
