"""Prometheus' text format, written and read by its own library. Imported only where metrics are asked for."""

from collections.abc import Iterable

import prometheus_client
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from asynclog.report.metrics import LAST_SUCCESS, Labels, Metric


def exposition(found: Iterable[Metric]) -> bytes:
    """Return these metrics as text."""
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(found))
    return prometheus_client.generate_latest(registry)


def last_success(text: str) -> tuple[Labels, float] | None:
    """Which log such a text is about, and when a run last was a success; None where it does not say."""
    # Only these lines are read: the labels of others may be as long as somebody's schema names.
    lines = [line for line in text.split("\n") if line.startswith(LAST_SUCCESS)]
    try:
        families = list(text_string_to_metric_families("\n".join(lines)))
    except ValueError:
        return None
    samples = [sample for family in families for sample in family.samples]
    return (samples[0].labels, samples[0].value) if samples else None


class _Gauges(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Family]:
        for name, help_text, samples in self._found:
            family = Family(name, help_text, "gauge")
            for labels, value in samples:
                family.add_sample(name, labels, value)
            yield family
