"""What happened in each scenario, for people: condition → decision → command → state."""

import textwrap
import time

from harness.lab.calls import by_upkeep

COLUMNS = (("scenario", 22), ("condition", 26), ("decision", 44), ("command", 30), ("state", 24),
           ("healthy after", 13))


class Story:
    """One scenario, as it goes on."""

    def __init__(self, name, lab):
        self.name = name
        self.rows = []
        self.lab = lab
        self._begun = None
        self._calls = {}

    def begin(self):
        """The fault happens now."""
        self._begun = time.monotonic()
        self._calls = {node.name: len(node.calls()) for node in self.lab}
        return self

    def seconds(self, since=None):
        """Since the fault, or since another moment of time.monotonic()."""
        return time.monotonic() - (self._begun if since is None else since)

    def commands(self, node):
        """What upkeep on this node told DRBD since the fault, questions aside."""
        return by_upkeep(node.calls()[self._calls.get(node.name, 0):])

    def _told(self, node):
        """Its commands; those that differ only in the resource in one: "drbdadm adjust r0 r1"."""
        on_what = {}
        for call in self.commands(node):
            if not call.nested:
                on_what.setdefault(" ".join(call.words[:-1]), []).append(call.words[-1])
        return [f"{node.name}: {command} {' '.join(sorted(words))}"
                for command, words in on_what.items()]

    def tell(self, condition, decision, state, healthy=None):
        """One line of the report. Commands come from the nodes' own log of calls."""
        told = [text for node in self.lab for text in self._told(node)]
        self.rows.append((self.name, condition, decision, "; ".join(told) or "none", state,
                          f"{healthy:.1f} s" if healthy is not None else "-"))
        print("\n" + table(self.rows[-1:]))


def table(rows):
    """The rows as a table with wrapped cells."""
    rule = "+".join("-" * (width + 2) for _, width in COLUMNS)
    lines = ["|".join(f" {name:<{width}} " for name, width in COLUMNS), rule]
    for row in rows:
        cells = [textwrap.wrap(text, width) or [""] for text, (_, width) in
                 zip(row, COLUMNS, strict=True)]
        for number in range(max(map(len, cells))):
            lines.append("|".join(
                f" {cell[number] if number < len(cell) else '':<{width}} "
                for cell, (_, width) in zip(cells, COLUMNS, strict=True)))
        lines.append(rule)
    return "\n".join(line.rstrip() for line in lines) + "\n"
