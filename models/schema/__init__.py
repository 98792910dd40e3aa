"""The schema of a detector: its columns, and how each of their cells is parsed."""

from models.schema.schema import DECIMALS, DURATION, SCHEMA_VERSION, THOUSANDS, Column, FeatureSchema, Kind

__all__ = ["DECIMALS", "DURATION", "SCHEMA_VERSION", "THOUSANDS", "Column", "FeatureSchema", "Kind"]
