"""Bad deliveries on purpose: one function a fault, each spoiling files that were written well.

A fault sees a delivery's files as tables through the lender's `FileFormat` (module `form`), so it is written once for
all lenders. Controls (trailers, manifests) are kept right, unless the control is what the fault spoils: a refusal
then has the one reason. By theme: `files`, `columns`, `values`, `rows`, `days`.
"""

from __future__ import annotations

from arrears.simulate.faults import columns, days, files, rows, values
from arrears.simulate.faults.form import FileFormat, Manifest, Marker, Roles, Table, gunzipped, gzipped
from arrears.simulate.faults.orders import Order, check_orders, inject, read_orders
from arrears.simulate.faults.spoiler import FAULTS, Fault, Injection, Spoiler

__all__ = [
    "FAULTS",
    "Fault",
    "FileFormat",
    "Injection",
    "Manifest",
    "Marker",
    "Order",
    "Roles",
    "Spoiler",
    "Table",
    "check_orders",
    "columns",
    "days",
    "files",
    "gunzipped",
    "gzipped",
    "inject",
    "read_orders",
    "rows",
    "values",
]
