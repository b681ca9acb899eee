"""A delivery in a fault's hands, what a fault is, and the record of what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

from arrears.simulate.book import stream
from arrears.simulate.faults.form import FileFormat, Manifest, Marker, Medium, Table, gunzipped, gzipped
from arrears.simulate.writers import Landing


@dataclass(frozen=True)
class Injection:
    """What a fault did: in which file of which day's delivery, on which lines, to which column, and what stands
    there now."""

    fault: str
    lender: str
    business_date: str
    file: str
    resource: str | None = None
    """What of the file, by the layout's name for it (a sheet, for a workbook); None: all of it."""
    lines: list[int] = field(default_factory=list)
    column: str | None = None
    value: str | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON writes it."""
        return asdict(self)


class Spoiler:
    """One delivery, to be read and spoiled. Controls that lie in files of their own follow every change.

    withheld: local folder for files that are held back; None where there is no place for them.
    """

    def __init__(
        self,
        *,
        fault: str,
        lender: str,
        day: date,
        landing: Landing,
        form: FileFormat,
        seed: int,
        withheld: Path | None = None,
    ) -> None:
        self.fault, self.lender, self.day = fault, lender, day
        self.form, self.roles = form, form.roles
        self.rng = stream(seed, lender, "fault", fault, day.toordinal())
        self._landing, self._seed, self._withheld = landing, seed, withheld

    def on(self, day: date) -> Spoiler:
        """Another day's delivery of the same lender, in the same fault's hands."""
        return Spoiler(
            fault=self.fault,
            lender=self.lender,
            day=day,
            landing=self._landing,
            form=self.form,
            seed=self._seed,
            withheld=self._withheld,
        )

    def before(self) -> Spoiler:
        """The newest delivery before this one, at most ten days back. ValueError where there is none."""
        for back in range(1, 11):
            earlier = self.on(self.day - timedelta(days=back))
            if earlier.exists():
                return earlier
        raise self.impossible("there is no earlier delivery")

    def impossible(self, why: str) -> ValueError:
        """The error that this fault cannot be injected here."""
        return ValueError(f"{self.fault}: {why} ({self.lender}, {self.day}); choose another day")

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────

    def name(self, resource: str) -> str:
        """Name of the file that holds a resource."""
        return self.form.file_name(resource, self.day)

    def path(self, name: str) -> str:
        """Where a file is, by its name."""
        return self._landing.path(self.form.folder(self.day), name)

    def exists(self) -> bool:
        """Whether there is such a delivery, with a file of loans."""
        return bool(self._landing.fs.exists(self.path(self.name(self.roles.loans))))

    def read(self, name: str) -> bytes:
        """A file's bytes, by its name."""
        data: bytes = self._landing.fs.cat_file(self.path(name))
        return data

    def write(self, name: str, data: bytes) -> None:
        """Put other bytes in a file's place, and have the manifest say so."""
        self._landing.fs.pipe_file(self.path(name), data)
        control = self.roles.control
        if isinstance(control, Manifest) and name != control.file:
            self.write(control.file, control.renewed(self.read(control.file), {name: data}))

    def remove(self, name: str) -> None:
        """Take a file away. A manifest goes on listing it."""
        self._landing.fs.rm_file(self.path(name))

    def names(self) -> list[str]:
        """Names of all files of the delivery, in order."""
        folder = self.path("")
        found = self._landing.fs.ls(folder, detail=False)
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def withhold(self, name: str) -> Path:
        """Copy a file to where withheld files are. ValueError where there is no such place."""
        if self._withheld is None:
            raise ValueError(f"{self.fault}: there is no folder for what is withheld; give inject() one")
        kept = self._withheld / self.lender / self.form.folder(self.day) / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(self.read(name))
        return kept

    def remove_folder(self) -> None:
        """Take the delivery's folder away with all that is in it."""
        self._landing.fs.rm(self.path("").rstrip("/"), recursive=True)

    # ── content ─────────────────────────────────────────────────────────────────────────────────────────

    def content(self, resource: str) -> bytes:
        """The bytes of a resource's file, unzipped."""
        return gunzipped(self.name(resource), self.read(self.name(resource)))

    def put_content(self, resource: str, content: bytes) -> None:
        """Write content in the place of a resource's file, zipped as it was."""
        self.write(self.name(resource), gzipped(self.name(resource), content))

    def table(self, resource: str) -> Table:
        """A resource as a table."""
        return self.form.parse(resource, self.read(self.name(resource)))

    def put(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> None:
        """Write a table in a resource's place."""
        self.write(self.name(resource), self.form.render(resource, table, rows_off=rows_off, sum_off=sum_off))

    def rows(self, resource: str, count: int, table: Table) -> list[int]:
        """Some rows of a table, in order. ValueError where it has none."""
        if not table.rows:
            raise self.impossible(f"{self.name(resource)} has no row")
        chosen = self.rng.choice(len(table.rows), size=min(count, len(table.rows)), replace=False)
        return sorted(int(k) for k in chosen)

    def done(self, resource: str, **what: Any) -> Injection:
        """The record of what was done to a resource."""
        return self.done_to_file(self.name(resource), resource=resource, **what)

    def done_to_file(self, name: str, **what: Any) -> Injection:
        """The record of what was done to a whole file."""
        return Injection(self.fault, self.lender, self.day.isoformat(), name, **what)


@dataclass(frozen=True)
class Fault:
    """A way of spoiling a delivery.

    Attributes:
        name: what orders call it.
        spoil: does it. Raises ValueError where this delivery cannot be spoiled so.
        why_not: why it does not apply to a layout; None where it does.
    """

    name: str
    spoil: Callable[[Spoiler], list[Injection]]
    why_not: Callable[[FileFormat], str | None]

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.spoil.__doc__ or "").strip().split("\n")[0]

    def applies(self, form: FileFormat) -> bool:
        """Whether a layout's files can be spoiled so."""
        return self.why_not(form) is None


FAULTS: dict[str, Fault] = {}
"""All faults by name, in the order in which they are defined."""

ALL_MEDIA: tuple[Medium, ...] = get_args(Medium)
LINES: tuple[Medium, ...] = ("text", "jsonl")

Spoil = Callable[[Spoiler], list[Injection]]


def fault(
    *needs: str,
    media: tuple[Medium, ...] = ALL_MEDIA,
    control: tuple[str, ...] = (),
    modes: tuple[str, ...] = (),
    gzip: bool = False,
) -> Callable[[Spoil], Spoil]:
    """Register a function as a fault of its name.

    needs: roles of columns that a layout must have; media: what its files may be made of; control: kinds of
    control (trailer, manifest, marker) it must have one of; modes: in which of these it delivers loans; gzip: its
    files are gzipped.
    """

    def why_not(form: FileFormat) -> str | None:
        roles = form.roles
        if roles.medium not in media:
            return f"its files are {roles.medium}, not {' or '.join(media)}"
        if control and control_kind(form) not in control:
            return f"its deliveries have no {' or '.join(control)}"
        if modes and roles.mode not in modes:
            return f"its loans come in mode {roles.mode}, not {' or '.join(modes)}"
        if gzip and not form.file_name(roles.loans, date(2024, 1, 31)).endswith(".gz"):
            return "its files are not gzipped"
        lacking = [need for need in needs if not getattr(roles, need)]
        return f"it has no column for {', '.join(lacking)}" if lacking else None

    def register(function: Spoil) -> Spoil:
        FAULTS[function.__name__] = Fault(function.__name__, function, why_not)
        return function

    return register


def control_kind(form: FileFormat) -> str | None:
    """trailer, manifest or marker; None for no control."""
    control = form.roles.control
    if isinstance(control, Manifest | Marker):
        return type(control).__name__.lower()
    return control
