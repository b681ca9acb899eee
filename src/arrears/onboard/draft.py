"""The draft of a contract: all samples seen together, written as YAML with what is guessed and what is open."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from arrears.errors import Usage
from arrears.onboard.commented import DECIDE, OPEN, decide, flow, guess
from arrears.onboard.habits import Habits, fill_gaps, habits
from arrears.onboard.meaning import TableMeaning, understand
from arrears.onboard.place import Place, place
from arrears.onboard.reading import read_sample
from arrears.onboard.resource import resource_document
from arrears.onboard.sample import ManifestSeen, MarkerSeen, Sample, unreadable

FILE_NAME = "datapackage.yaml"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
WITHOUT = {
    "loan": "no file of loans",
    "instalment": "no file of plans: where do due days and amounts come from? (derives)",
    "payment": "no file of payments: where do they come from? (derives)",
}


@dataclass(frozen=True)
class OpenPlace:
    """What a person has to decide: line of the draft, counted from 1, what stands there, and the question."""

    line: int
    written: str
    question: str

    def __str__(self) -> str:
        return f"{self.line}: {self.written}: {self.question}"


@dataclass(frozen=True)
class Draft:
    """A draft of a contract.

    Attributes:
        lender: its name; ??? where nothing told it.
        text: the YAML.
        tables: per table the file, the entity (None: not found out), and how many rows were read.
        open_places: what a person has to decide.
    """

    lender: str
    text: str
    tables: list[dict[str, Any]] = field(default_factory=list)
    open_places: list[OpenPlace] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        """Write it as the lender's contract below a folder of contracts. Returns its path.

        Raises:
            Usage: there is one already, or the lender has no name.
        """
        if self.lender == OPEN:
            raise Usage("The folder of the samples does not name the lender: add --lender NAME.")
        path = folder / self.lender / FILE_NAME
        if path.exists():
            raise Usage(f"There is a contract already at {path}. Write the draft to another folder, or take it away.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8")
        return path

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def onboard(paths: Sequence[Path], lender: str | None = None) -> Draft:
    """Draft a contract from the files of one delivery. Reads the beginning of each.

    Args:
        paths: data files, and the manifest or marker that comes with them.
        lender: the lender's name; None to take it from the folder.

    Raises:
        Usage: a file is not there, or no lender can have that name.
        Refused: nothing can be drafted from a file.
    """
    if lender is not None and not re.fullmatch("[a-z][a-z0-9_]*", lender):
        raise Usage(f"No lender can be named '{lender}': small letters, digits and _, a letter first.")
    seen = [one for path in paths for one in read_sample(path)]
    tables = understand([one for one in seen if isinstance(one, Sample)])
    if not tables:
        raise unreadable(paths[0], "there are no rows in it, and no other file was named")
    controls = [one for one in seen if isinstance(one, ManifestSeen | MarkerSeen)]
    for table in tables:
        if not table.sample.rows:
            table.sample.doubts.append("no row in the sample: types are as columns of such names are elsewhere")
    shown = habits(tables)
    fill_gaps(tables, shown)
    where = place([table.sample.path for table in tables])
    name = lender or where.lender or OPEN
    document = _package(name, where, tables, shown)
    currency = document["arrears"]["currency"]
    for table in tables:
        taken = [resource["name"] for resource in document["resources"]]
        vouching = next((one for one in controls if isinstance(one, ManifestSeen)), next(iter(controls), None))
        document["resources"].append(resource_document(table, taken, shown, where.date, currency, vouching))
    text = _written(document)
    summary = [{"file": t.sample.shown, "entity": t.entity, "rows": t.sample.rows} for t in tables]
    return Draft(name, text, summary, _open_places(text))


def _package(name: str, where: Place, tables: list[TableMeaning], shown: Habits) -> CommentedMap:
    made = CommentedMap({"$schema": PROFILE, "name": name})
    if name == OPEN:
        decide(made, "name", "the lender's name, in small letters, digits and _; its folder is called so too")
    made["title"] = OPEN if name == OPEN else name.replace("_", " ").title()
    decide(made, "title", "who the lender is")
    made["arrears"] = rules = CommentedMap()
    rules["effective_from"] = where.date or OPEN
    if where.date is None:
        decide(rules, "effective_from", "the first business date of this layout, as 2024-01-31")
    else:
        decide(rules, "effective_from", "the day of the samples: is it the first one of this layout?")
    rules["names"] = flow({"en": made["title"]})
    _put_home(rules, tables, shown)
    rules["calendar"] = "daily"
    guess(rules, "calendar", "or month_end")
    # Quoted: older readers of YAML take a bare 06:00 for a number.
    due = {"folder": where.folder or "{date:%Y-%m-%d}", "cutoff": "00:00", "deadline": "06:00"}
    rules["delivery"] = flow({key: DoubleQuotedScalarString(value) for key, value in due.items()})
    if where.folder is None:
        decide(rules, "delivery", "no date stands in the samples' folder: will each day have one? and when is it due?")
    else:
        decide(rules, "delivery", "when do files of a day begin to come, and when are they late?")
    made["resources"] = []
    missing = [what for entity, what in WITHOUT.items() if entity not in {table.entity for table in tables}]
    if missing:
        decide(made, "resources", "; ".join(missing))
    return made


def _put_home(rules: CommentedMap, tables: list[TableMeaning], shown: Habits) -> None:
    """Currency and time zone: by a column that says one currency, else by the language."""
    said = {
        value for table in tables if "currency" in table.filled() for value in table.filled()["currency"].typed.values
    }
    rules["currency"] = said.pop() if len(said) == 1 else "CNY" if shown.is_chinese else OPEN
    rules["timezone"] = "Asia/Shanghai" if shown.is_chinese else OPEN
    if rules["currency"] == OPEN:
        decide(rules, "currency", "its three letters, as CNY")
    else:
        guess(rules, "currency", "by its column" if not shown.is_chinese else "by the language of the columns")
    if shown.is_chinese:
        guess(rules, "timezone", "by the language of the columns")
    else:
        decide(rules, "timezone", "in which its days end, as Asia/Shanghai")


# ── the text ─────────────────────────────────────────────────────────────────────────────────────────────


def _written(document: CommentedMap) -> str:
    yaml = YAML()
    yaml.width = 4096  # a line of the draft is a line of the contract
    yaml.indent(mapping=2, sequence=4, offset=2)
    document.yaml_set_start_comment(
        "Drafted by `arrears onboard` from samples. Check what is guessed, settle what is to be decided (a place\n"
        f"that says {OPEN} is refused until then), and try it with `arrears check LENDER DATE`. The walk is\n"
        "docs/onboarding.md."
    )
    sink = io.StringIO()
    yaml.dump(document, sink)
    return sink.getvalue()


def _open_places(text: str) -> list[OpenPlace]:
    """The lines that ask something, each with the resource and the column that it stands in."""
    places = []
    inside: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        inside = [(depth, name) for depth, name in inside if depth < indent]
        if content.startswith("- name: "):
            inside.append((indent, content.removeprefix("- name: ").partition(" # ")[0]))
        written, mark, question = content.partition(f"# {DECIDE}")
        if mark:
            where = [name for _, name in inside] + [written.strip(" -").removesuffix(":")]
            places.append(OpenPlace(number, " › ".join(where), question))
    return places
