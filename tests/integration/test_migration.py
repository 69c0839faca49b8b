"""Moved to another node is neither down nor this node's to start."""

from harness.waiting import wait_until
from steps import booted, runs_again, seen_running, stays_off


def migrate(name, source, target):
    source.virsh("migrate", "--live", "--unsafe", "--persistent", name, target.uri,
                 "tcp://127.0.0.1")


def test_migrated_away_stays_down_here(libvirtd, other_libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    here, there = upkeep_for(libvirtd).start(), upkeep_for(other_libvirtd, node="node2").start()
    seen_running(here, "web1")
    migrate("web1", libvirtd, other_libvirtd)
    wait_until("it to be known here",
               lambda: here.metric("upkeep_vm_wanted", vm="web1") == 0)
    seen_running(there, "web1")
    stays_off(libvirtd, here, "web1")
    headline = here.why("vm/web1")["headline"]
    assert "moved" in headline or "migrated" in headline, headline

    # Neither a restart of libvirtd nor one of upkeep makes it this node's again, nor does autostart.
    libvirtd.virsh("autostart", "web1")
    libvirtd.restart()
    here.restart()
    stays_off(libvirtd, here, "web1")
    assert here.metric("upkeep_vm_wanted", vm="web1") == 0

    # Where it runs now it is kept running.
    moved = other_libvirtd.crash("web1")
    runs_again(other_libvirtd, "web1", moved)
    stays_off(libvirtd, here, "web1")


def test_migrated_back_is_wanted_here_again(libvirtd, other_libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    here = upkeep_for(libvirtd).start()
    seen_running(here, "web1")
    migrate("web1", libvirtd, other_libvirtd)
    wait_until("it to be known here", lambda: here.metric("upkeep_vm_wanted", vm="web1") == 0)
    migrate("web1", other_libvirtd, libvirtd)
    seen_running(here, "web1")
    runs_again(libvirtd, "web1", libvirtd.crash("web1"))
