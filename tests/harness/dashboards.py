"""What the dashboards ask, with Grafana's variables filled in as Grafana would."""

import json
import math
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "dashboards"

VARIABLES = {"$__rate_interval": "15s", "$__range": "10m", "$job": "upkeep", "$cluster": ".*",
             "$node": ".+"}


def files():
    return sorted(FOLDER.glob("*.json"))


def load(path):
    return json.loads(path.read_text())


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled_in(text):
    for variable, value in sorted(VARIABLES.items(), reverse=True):
        text = text.replace(variable, value)
    assert "$" not in text, text
    return text


def queries():
    """(page, panel's title, query's letter, its PromQL, whether it asks for this instant only)."""
    for path in files():
        dashboard = load(path)
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield (path.stem, panel["title"], target["refId"], filled_in(target["expr"]),
                       target["instant"])
        for mark in dashboard["annotations"]["list"]:
            if "expr" in mark:
                yield path.stem, f"mark {mark['name']}", "A", filled_in(mark["expr"]), False


def has_data(prometheus, expr, instant):
    """Whether there is a number; "NaN" is none."""
    if instant:
        return any(not math.isnan(float(series["value"][1])) for series in prometheus.query(expr))
    return any(not math.isnan(float(sample)) for series in prometheus.query_range(expr)
               for _, sample in series["values"])


def empty_panels(prometheus, pages=None):
    """(page, panel's title) of what shows nothing: a panel has data when one of its queries has."""
    found = {}
    for page, panel, _, expr, instant in queries():
        if pages is None or page in pages:
            found.setdefault((page, panel), []).append(has_data(prometheus, expr, instant))
    return {where for where, each in found.items() if not any(each)}
