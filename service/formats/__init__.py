"""The formats that records and answers have: each reads and writes, whole and as a stream."""
