"""Each alert has promtool cases in which it fires, stays silent, and outlives failed scrapes; and what
finds that out would notice that one is missing."""

import copy

import pytest

from alerts import mutate
from alerts.gaps import ABSENT, PRESENT, STALE, lacking, metrics_behind, samples

RULES = [rule for _, rule in mutate.rules()]
CASES = list(mutate.cases())
ALERTS = [rule["alert"] for rule in RULES if "alert" in rule]

EXEMPT = {
    "UpkeepWatchdog": {"silent", "during", "after"},  # fires always, whatever is scraped
    "UpkeepExporterAbsent": {"after"},  # ends when there is something to scrape
}


@pytest.mark.parametrize("alert", ALERTS)
def test_firing_silence_and_missed_scrapes_are_tested(alert):
    assert lacking(alert, RULES, CASES) == EXEMPT.get(alert, set())


@pytest.mark.parametrize("alert", [alert for alert in ALERTS if alert != "UpkeepWatchdog"])
def test_a_missing_case_is_noticed(alert):
    def without(unwanted):
        left = copy.deepcopy(CASES)
        for case in left:
            case["alert_rule_test"] = [check for check in case["alert_rule_test"]
                                       if check["alertname"] != alert or not unwanted(case, check)]
        return lacking(alert, RULES, left)

    def has_gap(case, _):
        return any("stale" in series["values"] for series in case["input_series"])

    assert without(lambda *_: True) == {"fires", "silent", "during", "after"}
    assert without(lambda _, check: check["exp_alerts"]) == {"fires", "during", "after"}
    assert "silent" in without(lambda _, check: not check["exp_alerts"])
    assert {"during", "after"} <= without(has_gap)


def test_a_gap_in_something_else_is_none():
    case = {"interval": "15s", "input_series": [
        {"series": 'upkeep_vm_state{job="upkeep",instance="node1",vm="web1",state="paused"}', "values": "1x60"},
        {"series": 'upkeep_vm_wanted{job="upkeep",instance="node1",vm="web1"}', "values": "1x60"},
        {"series": 'upkeep_vm_wanted{job="upkeep",instance="node1",vm="web2"}', "values": "1x4 stale _x7 1x40"},
        {"series": 'upkeep_vm_up{job="upkeep",instance="node1",vm="web1"}', "values": "1x4 stale _x7 1x40"}],
        "alert_rule_test": [{"alertname": "UpkeepVmPaused", "eval_time": when, "exp_alerts": [
            {"exp_labels": {"job": "upkeep", "instance": "node1", "vm": "web1"}}]}
            for when in ("2m", "10m")]}
    assert lacking("UpkeepVmPaused", RULES, [case]) == {"silent", "during", "after"}
    case["input_series"][1]["values"] = "1x4 stale _x7 1x40"
    assert lacking("UpkeepVmPaused", RULES, [case]) == {"silent"}


def test_looks_through_recording_rules():
    assert metrics_behind("UpkeepVmDown", RULES) == {
        "upkeep:vm_wanted_down", "upkeep_vm_state", "upkeep_vm_wanted"}


@pytest.mark.parametrize("values, expected", [
    ("1", [PRESENT]),
    ("1x2 stale _x2 0", [PRESENT] * 3 + [STALE] + [ABSENT] * 2 + [PRESENT]),
    ("0+15x1 _ -1", [PRESENT] * 2 + [ABSENT, PRESENT]),
])
def test_reads_series_as_promtool_does(values, expected):
    assert samples(values) == expected
