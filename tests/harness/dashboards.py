"""What the dashboards ask, with Grafana's variables filled in as Grafana would."""

import json
import math
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "dashboards"

VARIABLES = {"$__rate_interval": "15s", "$__range": "10m", "$__interval": "1s", "$job": "upkeep",
             "$cluster": ".*", "$node": ".+"}


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


def variables():
    """(page, variable, the label and selector of its label_values)."""
    for path in files():
        for variable in load(path)["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
                yield path.stem, variable["name"], asked[2], filled_in(asked[1])


# Tables of what lasts for a moment: looked for over the whole time, as somebody at the screen would.
PASSING = {
    ("cluster", "VMs that should run and do not"),
    ("remediation", "Next tries"),
}

# Two suites put the queries to a Prometheus, and each must get data for all but these, which the other
# one has: (page, panel) → why not here. The page about DRBD is the first one's alone.
NOT_IN_THE_DEMO = {
    ("node", panel): "libvirt's test driver, which the demo uses, has no figures of VMs"
    for panel in ("CPU", "Disks", "Memory", "Network")
}
NOT_WITH_GUESTS = {
    ("node", "Last downtime"): "no node boots",
    ("remediation", "DRBD outages by phase"): "there is no DRBD",
    ("remediation", "Failures"): "every start succeeds",
    ("remediation", "From event to command"): "nothing is begun by an event: each VM waits for its alert",
    ("remediation", "Latched"): "every start succeeds",
    ("remediation", "Next tries"): "every start succeeds",
}


def has_data(prometheus, expr, at_once):
    """Whether there is a number, just now or in the whole time; "NaN" is none."""
    if at_once:
        return any(not math.isnan(float(series["value"][1])) for series in prometheus.query(expr))
    return any(not math.isnan(float(sample)) for series in prometheus.query_range(expr)
               for _, sample in series["values"])


def unanswered(prometheus, pages=None):
    """(page, panel's title, query's letter) of each query that finds nothing."""
    return {(page, panel, letter) for page, panel, letter, expr, instant in queries()
            if (pages is None or page in pages)
            and not has_data(prometheus, expr, instant and (page, panel) not in PASSING)}


def queries_of(panels_):
    """(page, panel's title, query's letter) of each query of these (page, panel)."""
    found = {(page, panel, letter) for page, panel, letter, *_ in queries() if (page, panel) in panels_}
    assert {where[:2] for where in found} == set(panels_), "there is no such panel"
    return found
