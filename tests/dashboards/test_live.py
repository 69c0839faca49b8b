"""A real Prometheus scrapes a real upkeep; every query of the dashboards is put to it."""

import time

import pytest

from harness.alertmanager import Webhook, body
from harness.daemon import Upkeep
from harness.dashboards import empty_panels, queries
from harness.prometheus import Prometheus
from harness.waiting import wait_until

TEST_DRIVER = "libvirt's test driver, which the demo uses, has no figures of VMs"
NO_PEERS = "the demo has no peers"
ALL_WELL = "nothing of the kind goes wrong in the demo"

# (page, panel) → why it is empty here. One that is not empty is an error: take it off.
EMPTY = {
    ("cluster", "VMs that should run and do not"): ALL_WELL,
    ("drbd", "Configured and not up"): ALL_WELL,
    ("drbd", "Done"): "a simulated link is in sync at once",
    ("drbd", "Speed"): "a simulated link is in sync at once",
    ("node", "CPU"): TEST_DRIVER,
    ("node", "Disks"): TEST_DRIVER,
    ("node", "Last downtime"): "upkeep itself does not go down with the demo's node",
    ("node", "Memory"): TEST_DRIVER,
    ("node", "Network"): TEST_DRIVER,
    ("node", "Peers"): NO_PEERS,
    ("remediation", "Next tries"): ALL_WELL,
}

# Full or empty, as it happens.
EITHER = {("remediation", "Failures"): "a start that the power cut overtakes may fail"}


@pytest.fixture(scope="module")
def world(repository, prometheus_program, tmp_path_factory):
    """A demo that has been through a crash, a lost link and a power cut, and who watched it."""
    directory = tmp_path_factory.mktemp("live")
    with Upkeep(repository, directory / "upkeep", demo=True) as upkeep:
        target = upkeep.instance()["public_url"].removeprefix("http://")
        with Prometheus(prometheus_program, directory / "prometheus", target,
                        repository / "alerts") as prometheus:
            live_through_a_bad_day(upkeep, prometheus)
            yield prometheus


def live_through_a_bad_day(upkeep, prometheus):
    started = 'upkeep_remediation_actions_total{action="start_vm", trigger="event"}'
    wait_until("the first scrapes", lambda: len(prometheus.query("upkeep_vm_up")) > 10)
    upkeep.cli("demo", "crash", "web1")
    assert Webhook(upkeep).post(body("firing-single"))[0] == 200
    wait_until("web1 to be started again", lambda: value(prometheus, started) >= 1)
    upkeep.cli("demo", "disconnect", "db2")
    wait_until("the lost link to be seen", lambda: prometheus.query("upkeep_drbd_connected == 0"))
    upkeep.cli("demo", "power-cut")
    wait_until("the others to be back", lambda: value(prometheus, started) >= 10)
    wait_until("their outages to be over", lambda: value(
        prometheus, 'upkeep_outage_duration_seconds_count{kind="vm"}') >= 10)
    wait_until("calm", lambda: value(prometheus, "sum(upkeep_vm_up) == sum(upkeep_vm_wanted)") and
               value(prometheus, "count(upkeep_drbd_connected)") == value(
                   prometheus, "count(upkeep_drbd_resource_configured)") and
               not prometheus.query("upkeep_remediation_next_attempt_timestamp_seconds"))
    calm = time.time()
    wait_until("a few more scrapes", lambda: value(prometheus, "min(timestamp(upkeep_vm_up))") > calm + 2)
    wait_until("alerts", lambda: prometheus.query('ALERTS{alertstate="firing", alertname!="UpkeepWatchdog"}'))


def value(prometheus, expr):
    found = prometheus.query(expr)
    return float(found[0]["value"][1]) if found else 0


def test_every_query_is_answered_with_data(world):
    assert len(list(queries())) > 90
    empty = empty_panels(world)
    assert sorted(empty - EMPTY.keys() - EITHER.keys()) == [], "without data"
    assert sorted(EMPTY.keys() - empty) == [], "no longer empty: take it off EMPTY"


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
