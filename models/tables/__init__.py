"""Reads tables from files, whole or in chunks, and lists what was repaired on the way.

A text file's cells stay text until the schema says what they are: a column then reads the same in every
chunk, and a value in row 50,000 cannot change what row 1 meant.
"""

from models.tables.files import CHUNK_ROWS, expand, iter_table, read_table
from models.tables.read_options import RAGGED_ROWS, ReadOptions
from models.tables.readers import READERS
from models.tables.source import Source
from models.tables.table import Table, table_of

__all__ = [
    "CHUNK_ROWS",
    "RAGGED_ROWS",
    "READERS",
    "ReadOptions",
    "Source",
    "Table",
    "expand",
    "iter_table",
    "read_table",
    "table_of",
]
