"""The families of metrics: one row a family, with its labels and buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of metrics, as Prometheus knows it.

    Args:
        kind: What is added up, but a gauge, which is set.
        help: What it says, in one line.
        labels: Names of the labels.
        items: Name of a last label, whose values have a place each in one block; None for none.
        buckets: Upper bounds of a histogram's buckets, without infinity.
    """

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    items: str | None = None
    buckets: tuple[float, ...] = ()

    def size(self, items: int) -> int:
        """Return how many numbers a block has: one an item; of a histogram one a bucket, infinity's, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else max(items, 1)


_VERSION: Final = ("detector", "version")

FAMILIES: Final = {
    "detector_request_seconds": Family(
        kind="histogram",
        help="Seconds from a whole request to its answer.",
        labels=(*_VERSION, "endpoint", "status"),
        buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
    ),
    "detector_rows_total": Family(
        kind="counter", help="Rows that were scored or embedded.", labels=(*_VERSION, "operation")
    ),
    "detector_alerts_total": Family(kind="counter", help="Scored rows that are anomalies.", labels=_VERSION),
    "detector_score": Family(
        kind="histogram",
        help="Anomaly scores.",
        labels=_VERSION,
        buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0),
    ),
    "detector_p_value": Family(
        kind="histogram",
        help="P-values; of rows like those of calibration, each is as frequent as any other.",
        labels=_VERSION,
        buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    ),
    "detector_missing_values_total": Family(
        kind="counter", help="Values that were missing.", labels=_VERSION, items="column"
    ),
    "detector_unseen_categories_total": Family(
        kind="counter", help="Categories that no fitting row had.", labels=_VERSION, items="column"
    ),
    "detector_out_of_range_values_total": Family(
        kind="counter", help="Values beyond the range of the fitting rows.", labels=_VERSION, items="column"
    ),
    "detector_refused_total": Family(
        kind="counter", help="Requests that were refused as they came.", labels=("reason",)
    ),
    "detector_swaps_total": Family(
        kind="counter", help="Changes of the version that serves.", labels=("detector", "outcome")
    ),
    "detector_shadow_rows_total": Family(
        kind="counter",
        help="Rows that a challenger scored, too: which of both versions say that they are anomalies; or dropped.",
        labels=(*_VERSION, "challenger", "outcome"),
    ),
    "detector_rows_waiting": Family(kind="gauge", help="Rows of small requests that wait for a micro-batch."),
    "detector_requests_waiting": Family(kind="gauge", help="Large requests that wait for a thread."),
    "detector_streams_open": Family(kind="gauge", help="Streams that are being answered."),
}
"""What is counted, by its name at `/metrics`."""

REQUESTS: Final = ("detector_requests_total", "Requests that were answered.")
"""Name and help of the counter that is the count of `detector_request_seconds`."""
