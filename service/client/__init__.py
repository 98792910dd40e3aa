"""A client of the service: typed results, retries, large inputs in chunks, data frames in and out."""

from service.client.client import Contribution, DetectorClient, DetectorInfo, ScoredRecord, ScoreResult, ServiceError

__all__ = ["Contribution", "DetectorClient", "DetectorInfo", "ScoreResult", "ScoredRecord", "ServiceError"]
