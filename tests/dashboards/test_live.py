"""A real Prometheus scrapes a real upkeep; every query of the dashboards is put to it."""

import time

import pytest

from harness.alertmanager import Webhook, body
from harness.daemon import Upkeep
from harness.dashboards import (NOT_IN_THE_DEMO, NOT_WITH_GUESTS, files, filled_in, load, panels, queries,
                                queries_of, unanswered, variables)
from harness.prometheus import Prometheus
from harness.promql import selectors_in
from harness.troubled_node import TroubledNode
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def world(repository, prometheus_program, tmp_path_factory):
    """Two nodes, and who watched them: a demo that has been through a crash, a lost link and a power
    cut, and one whose DRBD makes trouble."""
    directory = tmp_path_factory.mktemp("live")
    with Upkeep(repository, directory / "upkeep", demo=True) as upkeep:
        troubled = TroubledNode(repository, directory / "troubled", upkeep)
        nodes = {"node1": upkeep.instance()["public_url"].removeprefix("http://"), "node2": troubled.address}
        with Prometheus(prometheus_program, directory / "prometheus", nodes, repository / "alerts",
                        cluster="main") as prometheus, troubled:
            live_through_a_bad_day(upkeep, prometheus)
            yield prometheus


def live_through_a_bad_day(upkeep, prometheus):
    started = 'upkeep_remediation_actions_total{instance="node1", action="start_vm", trigger="event"}'
    wait_until("the first scrapes", lambda: len(prometheus.query("upkeep_vm_up")) > 10)
    upkeep.cli("demo", "crash", "web1")
    assert Webhook(upkeep).post(body("firing-single"))[0] == 200
    wait_until("web1 to be started again", lambda: value(prometheus, started) >= 1)
    upkeep.cli("demo", "disconnect", "db2")
    wait_until("the lost link to be seen",
               lambda: prometheus.query('upkeep_drbd_connected{instance="node1"} == 0'))
    upkeep.cli("demo", "power-cut")
    wait_until("the others to be back", lambda: value(prometheus, started) >= 10)
    wait_until("their outages to be over", lambda: value(
        prometheus, 'upkeep_outage_duration_seconds_count{instance="node1", kind="vm"}') >= 10)
    wait_until("calm", lambda: value(prometheus, "sum(upkeep_vm_up) == sum(upkeep_vm_wanted)") and
               value(prometheus, 'count(upkeep_drbd_connected{instance="node1"})') == value(
                   prometheus, 'count(upkeep_drbd_resource_configured{instance="node1"})') and
               not prometheus.query('upkeep_remediation_next_attempt_timestamp_seconds{instance="node1"}'))
    calm = time.time()
    wait_until("a few more scrapes", lambda: value(prometheus, "min(timestamp(upkeep_vm_up))") > calm + 2)
    wait_until("alerts", lambda: prometheus.query('ALERTS{alertstate="firing", alertname!="UpkeepWatchdog"}'))
    wait_until("the troubled node to give up", lambda: value(prometheus, "sum(upkeep_remediation_latched)") == 2)


def value(prometheus, expr):
    found = prometheus.query(expr)
    return float(found[0]["value"][1]) if found else 0


def test_every_query_is_answered_with_data(world):
    assert len(list(queries())) > 90
    missing = unanswered(world)
    elsewhere = queries_of(NOT_IN_THE_DEMO)
    assert sorted(missing - elsewhere) == [], "without data"
    assert sorted(elsewhere - missing) == [], "no longer without data: take it off NOT_IN_THE_DEMO"


def test_every_part_of_a_query_finds_series(world):
    """A count of what is wrong is 0 also when nothing of the kind could ever be found."""
    selectors = {metric + matchers for page, panel, _, expr, _ in queries()
                 if (page, panel) not in NOT_IN_THE_DEMO for metric, _, matchers in selectors_in(expr)}
    assert len(selectors) > 75
    assert sorted(one for one in selectors if not world.query_range(one)) == []


@pytest.mark.parametrize("resource, word", [
    ("cut", "StandAlone"), ("r0", "Connected"), ("between", "another state")])
def test_a_state_is_shown_as_what_it_is(world, resource, word):
    """A link that is Unconnected for a moment once looked StandAlone."""
    [connections] = [panel for path in files() for panel in panels(load(path))
                     if panel["title"] == "Connections"]
    [shown] = [series for series in world.query(filled_in(connections["targets"][0]["expr"]))
               if {"instance": "node2", "resource": resource}.items() <= series["metric"].items()]
    [mapping] = connections["fieldConfig"]["defaults"]["mappings"]
    assert mapping["options"][shown["value"][1]]["text"] == word


def test_what_this_suite_does_not_show_the_other_one_does():
    assert not NOT_IN_THE_DEMO.keys() & NOT_WITH_GUESTS.keys()
    assert "drbd" not in {page for page, _ in NOT_IN_THE_DEMO}
    assert queries_of(NOT_IN_THE_DEMO) and queries_of(NOT_WITH_GUESTS)


def test_every_variable_has_something_to_choose(world):
    found = {(page, name): world.label_values(label, selector)
             for page, name, label, selector in variables()}
    assert len(found) == 12
    for (page, name), values in found.items():
        assert values == {"job": ["upkeep"], "cluster": ["main"], "node": ["node1", "node2"]}[name], page


def test_all_rules_are_evaluated(world):
    groups = wait_until("an evaluation of each group", lambda: evaluated(world))
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 35
    assert [rule for rule in rules if rule["health"] != "ok"] == []


def evaluated(prometheus):
    groups = prometheus.get("rules")["groups"]
    return groups if all(rule["health"] != "unknown" for group in groups for rule in group["rules"]) else None


def test_a_hard_reboot_raises_its_alert(world):
    firing = {series["metric"]["alertname"] for series in world.query('ALERTS{alertstate="firing"}')}
    assert {"UpkeepNodeUncleanReboot", "UpkeepWatchdog"} <= firing
