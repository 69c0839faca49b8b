"""What a person paused stays as it is, however often upkeep is restarted, until somebody resumes it."""

from harness.waiting import wait_until
from steps import booted, power_cut, runs_again, seen_running, stays_off


def paused(upkeep):
    series = upkeep.metrics()
    return {scope: series.get("upkeep_remediation_paused", scope=scope)
            for scope in ("node", "maintenance", "vm", "resource")}


def test_a_paused_vm_stays_down_while_another_is_started(libvirtd, upkeep_for):
    booted(libvirtd, "web1", "web2")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1", "web2")
    answer = upkeep.cli("pause", "vm/web1", "--for", "1h", "--reason", "new disk").stdout
    assert "vm/web1: paused by" in answer and "new disk" in answer
    libvirtd.crash("web1")
    runs_again(libvirtd, "web2", libvirtd.crash("web2"))

    upkeep.stop()
    offline = upkeep.cli("status").stdout
    assert "upkeep is not running" in offline and "vm/web1 is paused until" in offline
    upkeep.start()
    stays_off(libvirtd, upkeep, "web1")
    assert paused(upkeep) == {"node": 0, "maintenance": 0, "vm": 1, "resource": 0}
    why = upkeep.why("vm/web1")
    assert "is paused by" in why["headline"] and "upkeep resume vm/web1" in why["commands"]
    plan = upkeep.cli("plan").stdout
    assert "upkeep resume vm/web1" in plan
    assert "vm/web1 is paused until" in upkeep.cli("status").stdout

    upkeep.cli("resume", "web1")
    runs_again(libvirtd, "web1", None)
    wait_until("the pause to be gone", lambda: paused(upkeep)["vm"] == 0)


def test_a_pause_ends_at_its_time(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    upkeep.cli("pause", "--for", "12s")
    libvirtd.crash("web1")
    libvirtd.wait_state("web1", "shut off")
    stays_off(libvirtd, upkeep, "web1")
    runs_again(libvirtd, "web1", None)
    kinds = [entry["text"] for entry in upkeep.history() if entry["kind"] == "pause"]
    assert any("over" in text for text in kinds) and any("paused by" in text for text in kinds)


def test_maintenance_ends_with_the_next_boot(libvirtd, upkeep_for, node):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, root=node.root).start()
    seen_running(upkeep, "web1")
    upkeep.cli("maintenance", "--reason", "new memory")
    libvirtd.crash("web1")
    libvirtd.wait_state("web1", "shut off")
    stays_off(libvirtd, upkeep, "web1")
    assert paused(upkeep)["maintenance"] == 1

    power_cut(libvirtd, upkeep, node)
    upkeep.start()
    runs_again(libvirtd, "web1", None)
    assert paused(upkeep)["maintenance"] == 0
