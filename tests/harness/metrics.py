"""Reads Prometheus's text format the strict way: what it does not understand is an error."""

import re

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')
ESCAPES = {r"\n": "\n", r"\"": '"', r"\\": "\\"}


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.text = text
        self._series = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line!r}"
            name, labels, value = match.groups()
            key = (name, frozenset(self._labels(labels or "")))
            assert key not in self._series, f"twice: {line!r}"
            self._series[key] = float(value)

    @staticmethod
    def _labels(text):
        labels, at = [], 0
        while at < len(text):
            match = LABEL.match(text, at)
            assert match, f"not a label list: {text!r}"
            value = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], match[2])
            labels.append((match[1], value))
            at = match.end()
        return labels

    @property
    def names(self):
        return {name for name, _ in self._series}

    def labels_of(self, name):
        """Every label name that a metric's series have."""
        return {label for other, labels in self._series if other == name for label, _ in labels}

    def all(self, name, **labels):
        """(labels, value) of each series of the metric that has these labels."""
        wanted = set(labels.items())
        return [(dict(have), value) for (other, have), value in self._series.items()
                if other == name and wanted <= have]

    def get(self, name, **labels):
        """The value of the only series with these labels; None when there is none."""
        found = self.all(name, **labels)
        assert len(found) <= 1, f"{name}{labels}: {len(found)} series"
        return found[0][1] if found else None

    def sum(self, name, **labels):
        return sum(value for _, value in self.all(name, **labels))

    def states(self, name, label, **labels):
        """Which values of a state set's label are 1."""
        return [have[label] for have, value in self.all(name, **labels) if value == 1]
