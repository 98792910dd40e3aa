"""The columns of a training table: schema inference, findings, and learned encodings."""
