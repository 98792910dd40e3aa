"""How records are written as a body of each HTTP format, and how an answer is read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
from samples import arrow_table, machine_records, write_csv

REPEATED = machine_records(40, seed=7)

Records = list[dict[str, Any]]


def stream(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def arrow_file(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pa.parquet.write_table(table, out, **options)
    return out.getvalue()


def csv_text(records: Records, folder: Path) -> bytes:
    return write_csv(folder / "rows.csv", records).read_bytes()


WRITTEN: dict[str, Callable[[Records, Path], bytes]] = {
    "json": lambda records, folder: json.dumps(records).encode(),
    "jsonl": lambda records, folder: "\n".join(map(json.dumps, records)).encode(),
    "csv": csv_text,
    "arrow": lambda records, folder: stream(arrow_table(records)),
    "arrow_file": lambda records, folder: arrow_file(arrow_table(records)),
    "parquet": lambda records, folder: parquet(arrow_table(records)),
}


def read_json_answer(content: bytes) -> Records:
    return [item | item.pop("ids") for item in json.loads(content)["results"]]


def read_table(table: pa.Table) -> Records:
    """Put the columns top_1_feature … back together to contributions."""
    rows = []
    for flat in table.to_pylist():
        row = {name: value for name, value in flat.items() if not name.startswith("top_")}
        ranks = [k for k in range(1, 10) if f"top_{k}_feature" in flat]
        parts = ("feature", "contribution", "actual", "expected")
        rows.append(row | {"contributions": [{part: flat[f"top_{k}_{part}"] for part in parts} for k in ranks]})
    return rows


READ: dict[str, Callable[[bytes], Records]] = {
    "json": read_json_answer,
    "jsonl": lambda content: [json.loads(line) for line in content.splitlines()],
    "csv": lambda content: read_table(pa.csv.read_csv(io.BytesIO(content))),
    "arrow": lambda content: read_table(pa.ipc.open_stream(content).read_all()),
    "arrow_file": lambda content: read_table(pa.ipc.open_file(content).read_all()),
    "parquet": lambda content: read_table(pa.parquet.read_table(io.BytesIO(content))),
}


def repeated(form: str, rows: int) -> bytes:
    """Return the records again and again, in a form."""
    table = pa.concat_tables([arrow_table(REPEATED)] * (rows // len(REPEATED) + 1)).slice(0, rows).combine_chunks()
    out = io.BytesIO()
    if form == "json":
        cells = [list(record.values()) for record in REPEATED] * (rows // len(REPEATED) + 1)
        return json.dumps({"columns": list(REPEATED[0]), "rows": cells[:rows]}).encode()
    if form == "jsonl":
        return ("\n".join(map(json.dumps, REPEATED)) + "\n").encode() * (rows // len(REPEATED))
    if form == "csv":
        pa.csv.write_csv(table, out)
    elif form == "parquet":
        pa.parquet.write_table(table, out)
    else:
        with (pa.ipc.new_stream if form == "arrow" else pa.ipc.new_file)(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()
