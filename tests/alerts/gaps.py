"""Which promtool cases show that an alert outlives failed scrapes."""

import re

from alerts import mutate
from harness.promql import asked_by, selectors_in

PRESENT, ABSENT, STALE = "present", "absent", "stale"


def samples(values):
    """What each evaluation of a promtool series has: '1x2 stale _x2' is three samples, a marker, and
    twice nothing."""
    found = []
    for token in values.split():
        if token == "stale":
            found.append(STALE)
        else:
            value, repeated = re.fullmatch(r"(_|-?[\d.]+(?:[+-][\d.]+)?)(?:x(\d+))?", token).groups()
            # '_x2' is twice nothing, '1x2' is 1 and twice more.
            times = int(repeated or 0) + (0 if value == "_" and repeated else 1)
            found += [ABSENT if value == "_" else PRESENT] * times
    return found


def metrics_behind(alert, rules):
    """What an alert asks for, itself or by way of recording rules."""
    recorded = {rule["record"]: rule for rule in rules if "record" in rule}
    open_, found = [next(rule for rule in rules if rule.get("alert") == alert)], set()
    while open_:
        rule = open_.pop()
        for metric in {metric for metric, *_ in selectors_in(asked_by(rule)[0])} - found:
            found.add(metric)
            if metric in recorded:
                open_.append(recorded[metric])
    return found


def fed(case, metrics):
    """(labels, samples) of the case's series of these metrics."""
    for series in case["input_series"]:
        metric, _, labels = series["series"].partition("{")
        if metric in metrics:
            yield dict(re.findall(r'(\w+)="([^"]*)"', labels)), samples(series["values"])


def about(labels, alert):
    """Whether a series may be what this expected alert is about."""
    return all(alert["exp_labels"].get(name, value) == value for name, value in labels.items())


def outlived(case, check, metrics):
    """When an expected alert fires, after scrapes of what it is about began to fail: "during" while
    they fail, "after" once they are back."""
    at = mutate.seconds(check["eval_time"]) // mutate.seconds(case["interval"])
    for labels, values in fed(case, metrics):
        begun = values.index(STALE) if STALE in values else len(values)
        if begun <= at and PRESENT in values[:begun] and any(
                about(labels, alert) for alert in check["exp_alerts"]):
            yield "after" if PRESENT in values[begun:at + 1] else "during"


def lacking(alert, rules, cases):
    """What no promtool check of an alert shows: that it "fires", stays "silent" though there is
    something to see, fires "during" failing scrapes and "after" them."""
    metrics = metrics_behind(alert, rules)
    checks = [(case, check) for case in cases for check in case["alert_rule_test"]
              if check["alertname"] == alert]
    shown = {moment for case, check in checks for moment in outlived(case, check, metrics)}
    if any(check["exp_alerts"] for _, check in checks):
        shown.add("fires")
    if any(not check["exp_alerts"] and any(True for _ in fed(case, metrics)) for case, check in checks):
        shown.add("silent")
    return {"fires", "silent", "during", "after"} - shown
