"""The schema of a detector: its columns, and how each of their cells is parsed."""

from models.schema.schema import DURATION, SCHEMA_VERSION, Column, FeatureSchema, Kind

__all__ = ["DURATION", "SCHEMA_VERSION", "Column", "FeatureSchema", "Kind"]
