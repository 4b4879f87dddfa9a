"""Hands a run's readings to Ray, which has them on its Prometheus endpoint.

The driver exports, once a second, what each stage's actors counted inside themselves while they worked: one exporter,
a few hundred series a run, and sums that go on when actors die and are started again. Ray's counters take
increments, so what was handed over is remembered here.
"""

from collections.abc import Callable, Iterable, Mapping

from pipelines.metrics import METRICS, Metric
from pipelines.readings import Reading

Instrument = Callable[[float, dict[str, str]], None]
"""A metric of Ray's, with its labels: sets a gauge, adds to a counter."""


class Exporter:
    """One run's. For one thread.

    Args:
        run: what the run is called.
        make: makes an instrument; Ray must be up when the first reading comes.
    """

    def __init__(self, run: str, make: Callable[[Metric], Instrument] | None = None) -> None:
        self._run = run
        self._make = make or of_ray
        self._instruments: dict[str, Instrument] = {}
        self._handed_over: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def export(self, readings: Iterable[Reading]) -> None:
        """Hand them over. A sum that is smaller than before (the scoreboard was started again and hears from
        its actors within a second) adds nothing until it has caught up."""
        for reading in readings:
            metric = METRICS[reading.name]
            labels = {"run": self._run, **reading.labels}
            instrument = self._instruments.get(reading.name)
            if instrument is None:
                instrument = self._instruments[reading.name] = self._make(metric)
            if metric.kind == "gauge":
                instrument(float(reading.value), labels)
            else:
                self._add(instrument, reading, labels)

    def _add(self, instrument: Instrument, reading: Reading, labels: Mapping[str, str]) -> None:
        key = (reading.name, frozenset(labels.items()))
        before = self._handed_over.get(key, 0.0)
        if reading.value > before:
            instrument(float(reading.value) - before, dict(labels))
            self._handed_over[key] = float(reading.value)


def of_ray(metric: Metric) -> Instrument:
    """Ray's own. Making one a second time in a process is harmless."""
    from ray.util.metrics import Counter, Gauge

    text = f"{metric.help} ({metric.unit})"
    if metric.kind == "counter":
        return Counter(metric.name, text, metric.labels).inc
    return Gauge(metric.name, text, metric.labels).set
