"""From a guest that dies, over Prometheus and Alertmanager, to upkeep that starts it."""

import contextlib
import sqlite3
import statistics
import time

from harness.waiting import wait_until
from world import told


def outcome(upkeep, word):
    return upkeep.metric("upkeep_webhook_alerts_total", outcome=word)


def lines(upkeep, guest):
    return [entry["text"] for entry in upkeep.history(f"vm/{guest}") if entry["kind"] == "alert"]


def test_a_dead_guest_waits_for_its_alert_and_runs_again(world):
    before = world.upkeep.metrics()
    guest = world.outage().guest

    def more(name, **labels):
        return world.upkeep.metric(name, **labels) - before.get(name, **labels)
    assert more("upkeep_remediation_decisions_total", rule="vm_down", decision="hold",
                reason="not_allowed_to_act") >= 1
    assert more("upkeep_remediation_actions_total", action="start_vm", trigger="webhook") == 1
    assert world.value('upkeep_remediation_actions_total{trigger!="webhook"} > 0') is None
    assert "alert UpkeepVmOff asks for restart_vm: start_vm begins" in lines(world.upkeep, guest)

    wait_until("the alert to end", lambda: not world.prometheus.firing("UpkeepVmOff", vm=guest))
    wait_until("upkeep to hear of it", lambda: more("upkeep_webhook_alerts_total", outcome="resolved") >= 1)
    for one in world.alertmanagers.both:
        wait_until("Alertmanager to forget it", lambda: guest not in [
            alert["vm"] for alert in one.alerts("UpkeepVmOff")])
    assert world.people.told("people", "UpkeepVmOff") == []


def test_a_guest_that_dies_again_at_once_is_started_again(world):
    """The rule must not need a scrape that saw it run: the first alert was acted on."""
    guest = world.outage().guest
    wait_until("upkeep to see it run", lambda: world.upkeep.metric("upkeep_vm_up", vm=guest) == 1)
    dead = world.libvirtd.crash(guest)
    wait_until(f"{guest} to run again", lambda: world.libvirtd.qemu_pid(guest) not in (None, dead))
    assert [begin["text"] for begin, _ in world.upkeep.starts(guest)] == [
        f"start_vm begins: attempt {attempt}, for vm_down shown by webhook" for attempt in (1, 2)]


def test_each_outage_is_acted_on_once_though_both_alertmanagers_tell_of_it(world, outages):
    guests = {outage.guest for outage in outages}
    wait_until("the alerts to end", lambda: not world.prometheus.firing("UpkeepVmOff"))
    # Nearly always it is all of them; now and then the second hears of the first in time.
    wait_until("what came twice", lambda: outcome(world.upkeep, "duplicate") >= 1)
    assert [guest for guest in guests if any("arrived again" in line for line in lines(world.upkeep, guest))]
    for guest in guests:
        assert len(world.upkeep.starts(guest)) == 1
        assert len([line for line in lines(world.upkeep, guest) if "start_vm begins" in line]) == 1
    metrics = world.upkeep.metrics()
    acted = metrics.get("upkeep_webhook_alerts_total", outcome="acted")
    assert acted == metrics.sum("upkeep_remediation_actions_total") >= len(outages)
    # The other node gets them all and has none of these guests.
    wait_until("the other node to hear of all", lambda: outcome(world.other_upkeep, "not_mine") == acted)
    assert outcome(world.other_upkeep, "acted") == 0
    assert world.other_upkeep.metrics().sum("upkeep_remediation_actions_total") == 0


def test_an_alert_is_acted_on_within_seconds(outages, record_property, capsys):
    text = f"each second a look: {told(outages)}"
    record_property("alert_path", text)
    with capsys.disabled():
        print(f"\n{text}")
    assert statistics.median(outage.from_fault for outage in outages) <= 2.5


def test_the_watchdog_arrives(world):
    name = "upkeep_webhook_last_watchdog_timestamp_seconds"
    for upkeep in (world.upkeep, world.other_upkeep):
        wait_until("the watchdog", lambda: outcome(upkeep, "watchdog") >= 1)
        assert world.began < upkeep.metric(name) <= time.time()
        assert not any(
            "UpkeepWatchdog" in entry["text"] for entry in upkeep.history())
    wait_until("the dead man's switch", lambda: world.people.told("dead-mans-switch", "UpkeepWatchdog"))
    assert world.people.told("people", "UpkeepWatchdog") == []


def test_two_replicas_of_prometheus_tell_of_one_alert(world):
    guest = world.fresh.pop()
    with world.replica("b") as other:
        world.wait_informed(other)
        # So that both see it down, however late one looks.
        world.upkeep.cli("pause", f"vm/{guest}", "--for", "1h")
        dead = world.libvirtd.crash(guest)
        # Their clocks tick together, so of two that talk the same one may have the last word each time.
        for talks, is_silent in ((world.prometheus, other), (other, world.prometheus)):
            with is_silent.frozen():
                for one in world.alertmanagers.both:
                    wait_until(f"{talks.url} to have told of it", lambda: one.told_by(
                        alertname="UpkeepVmOff", vm=guest) == [talks.port], every=0.2)
        world.upkeep.cli("resume", f"vm/{guest}")
        wait_until(f"{guest} to run again", lambda: world.libvirtd.qemu_pid(guest) not in (None, dead))
    with contextlib.closing(sqlite3.connect(f"file:{world.upkeep.journal}?mode=ro", uri=True)) as journal:
        told = journal.execute(
            "SELECT count(DISTINCT fingerprint) FROM alert WHERE target = ?", [f"vm/{guest}"])
        assert told.fetchone() == (1,)
    assert len(world.upkeep.starts(guest)) == 1


def test_a_node_vanishes_and_its_guests_are_named(world):
    acted = world.upkeep.metrics().sum("upkeep_remediation_actions_total")
    world.other_upkeep.kill()
    for alertname, labels in (("UpkeepExporterDown", {"instance": "node2"}),
                              ("UpkeepNodeUnreachable", {"peer": "node2"}),
                              ("UpkeepVmOnVanishedNode", {"instance": "node2", "vm": "mail1"}),
                              ("UpkeepVmOnVanishedNode", {"instance": "node2", "vm": "mail2"})):
        wait_until(f"{alertname} {labels}", lambda: world.prometheus.firing(alertname, **labels), every=0.2)
    assert {alert["vm"] for alert in world.prometheus.firing("UpkeepVmOnVanishedNode")} == {"mail1", "mail2"}
    # In one message; the first node's guests are no part of it, and nobody starts anything.
    [message] = wait_until("people to be told", lambda: world.people.told("people", "UpkeepVmOnVanishedNode")[:1])
    assert {(alert["instance"], alert["vm"]) for alert in message} == {("node2", "mail1"), ("node2", "mail2")}
    assert world.upkeep.metrics().sum("upkeep_remediation_actions_total") == acted

    world.other_upkeep.start()
    for alertname in ("UpkeepExporterDown", "UpkeepVmOnVanishedNode", "UpkeepNodeUnreachable"):
        wait_until(f"{alertname} to end", lambda: not world.prometheus.firing(alertname), every=0.2)


def test_the_other_alertmanager_is_enough(world):
    world.alertmanagers.both[0].kill()
    guest = world.outage().guest
    assert "alert UpkeepVmOff asks for restart_vm: start_vm begins" in lines(world.upkeep, guest)
