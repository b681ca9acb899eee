"""A CSV file into PostgreSQL by dlt, on its fastest way: Arrow batches, written as CSV, copied. Prints the seconds.

BENCHMARK_URL=postgresql://… .venv-bench/bin/python benchmarks/peers/with_dlt.py FILE
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator

import dlt
import pyarrow as pa
from pyarrow import csv


def batches(file: str) -> Iterator[pa.RecordBatch]:
    with csv.open_csv(file, csv.ReadOptions(block_size=16 << 20)) as reader:
        yield from reader


def main(file: str) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "benchmark",
            destination=dlt.destinations.postgres(os.environ["BENCHMARK_URL"]),
            dataset_name="dlt_load",
            pipelines_dir=folder,
        )
        began = time.perf_counter()
        pipeline.run(batches(file), table_name="payment", loader_file_format="csv", write_disposition="replace")
        print(time.perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1])
