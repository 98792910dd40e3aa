"""The budget: what a request, a stream and a connection may cost at most, whatever they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["BUDGET", "Budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits that no setting changes; `Settings` has those of bytes and rows of a body.

    Args:
        head_bytes: Bytes of a request's line and header fields, and of its trailer fields; more are answered 431.
        head_fields: Header fields of a request, or its trailer fields; more are answered 431.
        query_parameters: Parameters of a query; more are answered 414.
        read_bytes: Bytes of a connection that are parsed at once. While a request of it is queued behind another,
            no more are: so at most the requests in that many bytes are queued.
        bytes_per_value: A JSON body has at most as many values as `max_body_bytes` has room for, each of so many bytes.
        bytes_per_wide_value: The same where a text with a character beyond ASCII counts twice.
        bytes_per_text: The same for the values that are texts.
        bytes_per_field: The same for the fields of its objects: a name takes more memory than bytes.
        bytes_per_object: The same for its objects and lists.
        bytes_per_cell: The same for the cells of a CSV body.
        arrow_head_bytes: Bytes of the head of an Arrow message, such as a schema; also when each name, and each text of
            its metadata, is counted as often as it is referred to, and the name of a nested field with the outer names.
        batch_rows: Records of a record batch of an Arrow stream: columns of nulls take no bytes.
        chunk_cells: Cells (rows times columns) of the records that are scored at once, where they are not very few.
        chunk_text_bytes: Bytes of ids and categories of the records that are scored at once, each counted as often as
            it stands in one: Arrow shares them. One record may have no more.
        chunk_bytes: Bytes of the record batches of an Arrow stream that are put together to be scored at once, beside
            the last of them.
        answer_bytes: Bytes of an answer, or of an answer to a part of a stream.
        part_answer_bytes: Bytes of answers of a stream that are held before they are sent.
        other_columns: Columns or fields of a record beside those that the detector knows.
        lines_per_row: Lines of a body for each row that it may have: blank ones are lines, too.
        problems: Problems of the records of a request that are looked for; of these the first hundred are named.
        loop_cells: Cells (rows times columns, and as many again for each column that is named) of a request that is
            answered on the event loop, which others wait for, and of a micro-batch; larger requests are answered on a
            thread. Absent fields are cells without bytes.
        loop_cells_refused: Cells of a refused request whose problems are looked for on the event loop.
        idle_bytes: Bytes of a request of tensors that may be answered on the event loop while no other large one is
            being answered, one a tick: a thread would cost a third more, and hold Python's lock as long.
        idle_cells: The same for its cells, where all are numbers: about a millisecond.
        thread_seconds: CPU time of one piece of work on a thread: a whole body, or a part of a stream.
        linger_seconds: Time for the rest of a body that is dropped, as its request was answered before it had come.
        linger_bytes: Bytes of such a rest.
        open_streams: Streams that are open at the same time in one process; each may hold a line or batch of
            `max_body_bytes`.
        tick_seconds: CPU time of scoring small requests in one tick of the event loop; what is left waits for the next
            tick, in front of what comes then.
        held_bodies: Large bodies that are held at the same time, each counted as `max_body_bytes`; in bytes, it is the
            sum of all of them.
        held_answers: Large answers that are held at the same time, until their clients have read them, each counted as
            `answer_bytes`; in bytes, it is the sum of all of them.
        piece_bytes: Bytes of a large answer that are handed to its connection at once.
        read_rate: Bytes a second that a client with much to read has to read.
        switch_seconds: Time for which a thread may go on with Python code while the event loop wants to; it wants to
            again for each connection that has sent something.
        body_bytes_in_tick: Bytes of large bodies that are read in one tick, from all connections together.
        accepts_in_tick: New connections that are accepted in one tick.
        grpc_requests: Requests by gRPC that are received or answered at the same time; each may hold a message of
            `max_body_bytes`, and further ones are answered RESOURCE_EXHAUSTED.
    """

    head_bytes: int = 65_536
    head_fields: int = 200
    query_parameters: int = 100
    read_bytes: int = 16_384
    bytes_per_value: int = 10
    bytes_per_wide_value: int = 8
    bytes_per_text: int = 20
    bytes_per_field: int = 10
    bytes_per_object: int = 64
    bytes_per_cell: int = 4
    arrow_head_bytes: int = 1 << 22
    batch_rows: int = 1 << 20
    chunk_cells: int = 1 << 18
    chunk_text_bytes: int = 1 << 22
    chunk_bytes: int = 1 << 23
    answer_bytes: int = 80 << 20
    part_answer_bytes: int = 1 << 23
    other_columns: int = 10_000
    lines_per_row: int = 4
    problems: int = 10_000
    loop_cells: int = 10_000
    loop_cells_refused: int = 2_000
    idle_bytes: int = 1 << 18
    idle_cells: int = 50_000
    thread_seconds: float = 60.0
    linger_seconds: float = 2.0
    linger_bytes: int = 1 << 28
    open_streams: int = 64
    tick_seconds: float = 0.01
    held_bodies: int = 16
    held_answers: int = 8
    piece_bytes: int = 1 << 18
    read_rate: int = 1_000
    switch_seconds: float = 0.000_5
    body_bytes_in_tick: int = 4_194_304
    accepts_in_tick: int = 16
    grpc_requests: int = 128


BUDGET: Final = Budget()
