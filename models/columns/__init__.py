"""From records and tables to columns of plain values, equal for equal input."""
