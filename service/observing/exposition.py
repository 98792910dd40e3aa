"""The text of `/metrics`, written by prometheus-client from what all workers have counted."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final, final

from models.detector import Detector
from models.programs.cli import program_version
from service.observing.families import FAMILIES, REQUESTS, Family
from service.observing.shared_values import Block, Key

if TYPE_CHECKING:
    from prometheus_client import Metric

_SECONDS: Final = "detector_request_seconds"


def metrics_text(
    totals: Mapping[Key, Block], detectors: Sequence[Detector], pids: Mapping[int, int], accept: str
) -> tuple[bytes, str]:
    """Return the metrics in the format that a caller accepts, and its content type.

    Args:
        totals: What `Observer.totals` returns.
        detectors: Those that are served.
        pids: The process of each worker.
        accept: The header Accept.
    """
    from prometheus_client.exposition import choose_encoder  # loads as much as the rest of the service: for a scrape

    encoder, content_type = choose_encoder(accept)
    return encoder(_Collected(totals, detectors, pids)), content_type


@final
class _Collected:
    """Metrics as prometheus-client's writers collect them."""

    def __init__(self, totals: Mapping[Key, Block], detectors: Sequence[Detector], pids: Mapping[int, int]) -> None:
        self._totals = totals
        self._detectors = detectors
        self._pids = pids

    def collect(self) -> Iterator[Metric]:
        """Yield each family once."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        of_family: dict[str, list[Key]] = {name: [] for name in FAMILIES}
        for key in self._totals:
            of_family[key[0]].append(key)
        name, help_text = REQUESTS
        requests = CounterMetricFamily(name, help_text, labels=FAMILIES[_SECONDS].labels)
        for key in of_family[_SECONDS]:
            requests.add_metric(key[1], self._totals[key][:-1].sum())
        yield requests
        for name, keys in of_family.items():
            yield self._metric(name, FAMILIES[name], keys)
        threshold = GaugeMetricFamily(
            "detector_threshold", "The score above which a row is an anomaly.", labels=("detector", "version")
        )
        for detector in self._detectors:
            threshold.add_metric((detector.name, detector.version), detector.calibration.threshold)
        yield threshold
        build = GaugeMetricFamily("detector_build_info", "The program that serves.", labels=("version", "python"))
        build.add_metric((program_version(), platform.python_version()), 1.0)
        yield build
        yield from self._processes()

    def _metric(self, name: str, family: Family, keys: Sequence[Key]) -> Metric:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        names = (*family.labels, family.items) if family.items else family.labels
        if family.kind == "histogram":
            histogram = HistogramMetricFamily(name, family.help, labels=names)
            bounds = [*map(repr, family.buckets), "+Inf"]
            for key in keys:
                *counts, total = self._totals[key].tolist()
                histogram.add_metric(key[1], list(zip(bounds, accumulate(counts), strict=True)), total)
            return histogram
        kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
        metric: CounterMetricFamily | GaugeMetricFamily = kind(name, family.help, labels=names)
        for key in keys:
            _, labels, items = key
            numbers = self._totals[key].tolist()
            places = [(*labels, item) for item in items] or [labels]
            for place, number in zip(places, numbers, strict=True):
                metric.add_metric(place, number)
        if family.kind == "gauge" and not keys:
            metric.add_metric((), 0.0)
        return metric

    def _processes(self) -> Iterator[Metric]:
        """Yield CPU time, memory and open files of each worker; Linux only."""
        from prometheus_client import ProcessCollector
        from prometheus_client.core import Metric

        merged: dict[str, Metric] = {}
        for worker, pid in self._pids.items():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                into = merged.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    into.add_sample(sample.name, {**sample.labels, "worker": str(worker)}, sample.value)
        yield from merged.values()
