"""Which columns a detector reads, and how each cell of theirs is parsed."""

from models.schema.schema import DURATION, SCHEMA_VERSION, Column, FeatureSchema, Kind

__all__ = ["DURATION", "SCHEMA_VERSION", "Column", "FeatureSchema", "Kind"]
