"""A guest that can't be started: ever longer gaps, then a latch, and nobody else waits for it."""

from datetime import datetime
from itertools import pairwise

import pytest

from harness.waiting import wait_until
from steps import actions, booted, runs_again, seen_running, stays_off


def broken(libvirtd, name):
    """A running guest that will not start again: its image is no longer of the format it should
    have. Returns the good image."""
    good = libvirtd.disk_of(name).read_bytes()
    pid = libvirtd.qemu_pid(name)
    definition = libvirtd.root / "etc" / f"{name}.xml"
    text = definition.read_text().replace("type='raw'", "type='qcow2'")
    definition.write_text(text)
    libvirtd.virsh("define", str(definition))  # takes effect with the next start
    assert libvirtd.qemu_pid(name) == pid
    return good


def mend(libvirtd, name):
    definition = libvirtd.root / "etc" / f"{name}.xml"
    definition.write_text(definition.read_text().replace("type='qcow2'", "type='raw'"))
    libvirtd.virsh("define", str(definition))


def test_failing_start_backs_off_latches_and_is_released(libvirtd, upkeep_for):
    booted(libvirtd, "bad", "good")
    upkeep = upkeep_for(libvirtd, first_gap="1s").start()
    seen_running(upkeep, "bad", "good")
    broken(libvirtd, "bad")
    dead = libvirtd.crash("bad")

    wait_until("the second try", lambda: len(upkeep.starts("bad")) >= 2)
    # Meanwhile another guest dies, and is started at once.
    runs_again(libvirtd, "good", libvirtd.crash("good"))
    wait_until("the start of the good one to have ended",
               lambda: (starts := upkeep.starts("good")) and starts[0][1])
    [(begin, end)] = upkeep.starts("good")
    assert "succeeded" in end["text"]

    wait_until("the latch", lambda: upkeep.metric("upkeep_remediation_latched", target="vm/bad") == 1)
    starts = upkeep.starts("bad")
    assert len(starts) == 5
    assert all("start_vm failed" in end["text"] for _, end in starts), starts
    begun = [datetime.fromisoformat(begin["at"]).timestamp() for begin, _ in starts]
    for (earlier, later), gap in zip(pairwise(begun), (1, 2, 4, 8)):
        # From the end of a try; a try takes a moment, and this machine may be busy.
        assert 0.75 * gap <= later - earlier <= 1.25 * gap + 3, (gap, later - earlier)
    assert upkeep.metrics().sum("upkeep_remediation_action_failures_total", action="start_vm") == 5
    why = upkeep.why("vm/bad")
    assert "upkeep release vm/bad" in " ".join(why["commands"])
    stays_off(libvirtd, upkeep, "bad")

    # The latch outlives upkeep.
    upkeep.restart()
    wait_until("it to be remembered",
               lambda: upkeep.metric("upkeep_remediation_latched", target="vm/bad") == 1)
    stays_off(libvirtd, upkeep, "bad")

    mend(libvirtd, "bad")
    upkeep.cli("release", "vm/bad")
    runs_again(libvirtd, "bad", dead)
    wait_until("the latch to be gone",
               lambda: upkeep.metric("upkeep_remediation_latched", target="vm/bad") in (0, None))


def test_missing_disk_costs_no_try_and_is_waited_for(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    disk = libvirtd.disk_of("web1")
    away = disk.with_suffix(".away")
    disk.rename(away)
    dead = libvirtd.crash("web1")
    wait_until("the hold", lambda: (upkeep.vm("web1")["decision"] or {}).get("hold") == "disk_missing")
    stays_off(libvirtd, upkeep, "web1")
    # The disk went while nobody looked, so that one start may have been begun; it ended at the last
    # look before the call, and counts neither as a try nor as a failure.
    assert actions(upkeep) <= 1
    assert all("refused" in end["text"] for _, end in upkeep.starts("web1"))
    assert upkeep.vm("web1")["attempts"]["in_row"] == 0
    assert str(disk) in str(upkeep.why("vm/web1"))

    away.rename(disk)
    runs_again(libvirtd, "web1", dead)


@pytest.fixture
def inactive_network(libvirtd, tmp_path):
    """Defined, and never started."""
    definition = tmp_path / "lost.xml"
    definition.write_text("<network><name>lost</name></network>")
    libvirtd.virsh("net-define", str(definition))
    yield
    libvirtd.virsh("net-undefine", "lost")


@pytest.mark.parametrize("interface, missing", [
    ("<interface type='network'><source network='lost'/></interface>", "network lost is not active"),
    ("<interface type='bridge'><source bridge='upkeep-lost'/></interface>",
     "bridge upkeep-lost does not exist")], ids=["network", "bridge"])
@pytest.mark.usefixtures("inactive_network")
def test_missing_network_costs_no_try_and_is_waited_for(libvirtd, upkeep_for, tmp_path, interface,
                                                        missing):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    whole = libvirtd.virsh("dumpxml", "--inactive", "web1").stdout
    definition = tmp_path / "web1.xml"
    definition.write_text(whole.replace("</devices>", interface + "</devices>"))
    libvirtd.virsh("define", str(definition))
    dead = libvirtd.crash("web1")
    wait_until("the hold",
               lambda: (upkeep.vm("web1")["decision"] or {}).get("hold") == "network_missing")
    stays_off(libvirtd, upkeep, "web1")
    # As with a disk that went while nobody looked.
    assert actions(upkeep) <= 1
    assert all("refused" in end["text"] for _, end in upkeep.starts("web1"))
    assert upkeep.vm("web1")["attempts"]["in_row"] == 0
    assert missing in str(upkeep.why("vm/web1"))

    definition.write_text(whole)
    libvirtd.virsh("define", str(definition))
    runs_again(libvirtd, "web1", dead)
