"""A client of the service: typed results, retries, large inputs in chunks, data frames in and out."""

from models.errors import ServiceError
from service.client.client import DetectorClient
from service.client.operator import ServiceOperator
from service.client.results import Contribution, DetectorInfo, ScoredRecord, ScoreResult
from service.served import ServedDetector

__all__ = [
    "Contribution",
    "DetectorClient",
    "DetectorInfo",
    "ScoreResult",
    "ScoredRecord",
    "ServedDetector",
    "ServiceError",
    "ServiceOperator",
]
