"""Who stops a guest on purpose gets his wish, over restarts of libvirtd and upkeep."""

import re

import pytest

from harness.waiting import stays_so, wait_until
from steps import LONG_ENOUGH_TO_ACT, actions, booted, runs_again, seen_running, state_of, stays_off


def unwanted(upkeep, *names):
    def known():
        metrics = upkeep.metrics()
        return all(metrics.get("upkeep_vm_wanted", vm=name) == 0 and
                   metrics.get("upkeep_vm_up", vm=name) == 0 for name in names)
    wait_until(f"upkeep to know that {', '.join(names)} was stopped on purpose", known)


def says(upkeep, name):
    return upkeep.why(f"vm/{name}")["headline"]


@pytest.mark.parametrize("autostart", ["--disable", ""], ids=["autostart_off", "autostart_on"])
def test_stays_down(libvirtd, upkeep_for, autostart):
    stops = {
        "destroyed": lambda name: libvirtd.virsh("destroy", name),
        "asked": lambda name: libvirtd.virsh("shutdown", name),
        "byitself": lambda name: libvirtd.press(name, "p"),
        "saved": lambda name: libvirtd.virsh("managedsave", name),
    }
    names = booted(libvirtd, *stops)
    for name in names:
        libvirtd.virsh("autostart", name, *autostart.split())
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, *names)
    for name, stop in stops.items():
        stop(name)
    for name in names:
        libvirtd.wait_state(name, "shut off")
    unwanted(upkeep, *names)

    def by_what():
        assert re.search(r"on purpose.*virsh destroy.*\d\d:\d\d", says(upkeep, "destroyed"))
        assert re.search(r"on purpose.*\d\d:\d\d", says(upkeep, "saved"))
        assert "save" in says(upkeep, "saved")
        for name in ("asked", "byitself"):
            assert re.search(r"shut.*\d\d:\d\d", says(upkeep, name)), says(upkeep, name)
            assert "guest" in says(upkeep, name)

    by_what()
    stays_off(libvirtd, upkeep, *names)

    libvirtd.restart()  # which forgets why the guests are off
    wait_until("upkeep to be connected again",
               lambda: upkeep.metric("upkeep_source_up", source="libvirt") == 1)
    stays_off(libvirtd, upkeep, *names)
    by_what()

    upkeep.restart()
    stays_off(libvirtd, upkeep, *names)
    by_what()

    libvirtd.stop()
    upkeep.stop()
    libvirtd.start()
    upkeep.start()
    unwanted(upkeep, *names)
    stays_off(libvirtd, upkeep, *names)
    by_what()


def test_started_again_by_hand_is_wanted_again(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    libvirtd.virsh("destroy", "web1")
    unwanted(upkeep, "web1")
    libvirtd.virsh("start", "web1")
    seen_running(upkeep, "web1")
    runs_again(libvirtd, "web1", libvirtd.crash("web1"))


def test_destroyed_while_upkeep_was_away_stays_down(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    upkeep.stop()
    libvirtd.virsh("destroy", "web1")
    upkeep.start()
    unwanted(upkeep, "web1")
    stays_off(libvirtd, upkeep, "web1")


def test_off_for_a_reason_that_nobody_knows_any_more_stays_down_until_somebody_says(
        libvirtd, upkeep_for):
    """libvirtd forgets why a guest is off when it restarts; maybe it was on purpose."""
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    upkeep.stop()
    dead = libvirtd.crash("web1")
    libvirtd.wait_state("web1", "shut off")
    libvirtd.restart()
    upkeep.start()
    wait_until("the hold", lambda: (upkeep.vm("web1")["decision"] or {}).get("hold") ==
               "stopped_unobserved")
    stays_off(libvirtd, upkeep, "web1")
    why = upkeep.why("vm/web1")
    assert "upkeep mark web1 up" in " ".join(why["commands"])

    upkeep.cli("mark", "web1", "up", "--reason", "it should run")
    runs_again(libvirtd, "web1", dead)


def test_paused_by_a_user_stays_paused(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    libvirtd.virsh("suspend", "web1")
    wait_until("upkeep to see it", lambda: state_of(upkeep, "web1") == "paused")
    stays_so("web1 paused", lambda: libvirtd.state("web1") == ("paused", "user"),
             LONG_ENOUGH_TO_ACT)
    assert actions(upkeep) == 0
    metrics = upkeep.metrics()
    assert metrics.get("upkeep_vm_up", vm="web1") == 0
    assert metrics.get("upkeep_vm_wanted", vm="web1") == 1


def test_nothing_that_is_off_becomes_wanted_on_first_installation(libvirtd, upkeep_for):
    for name in ("plain", "auto"):
        libvirtd.define(name)
    libvirtd.virsh("autostart", "auto")
    upkeep = upkeep_for(libvirtd).start()
    unwanted(upkeep, "plain", "auto")
    stays_off(libvirtd, upkeep, "plain", "auto")


def test_marks_go_before_everything_else(libvirtd, upkeep_for):
    booted(libvirtd, "unloved", "ignored")
    libvirtd.define("loved")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "unloved", "ignored")
    upkeep.cli("mark", "unloved", "down", "--reason", "retired")
    upkeep.cli("mark", "ignored", "ignore")
    upkeep.cli("mark", "loved", "up")
    runs_again(libvirtd, "loved", None)
    assert libvirtd.qemu_pid("unloved"), "a mark must not stop what runs"
    libvirtd.crash("unloved")
    libvirtd.crash("ignored")
    for name in ("unloved", "ignored"):
        libvirtd.wait_state(name, "shut off")
    stays_off(libvirtd, upkeep, "unloved", "ignored")
    assert "retired" in str(upkeep.why("vm/unloved"))

    # libvirtd and upkeep restart, the marks stay.
    upkeep.restart()
    stays_off(libvirtd, upkeep, "unloved", "ignored")
    seen_running(upkeep, "loved")
    refused = upkeep.cli("mark", "lovd", "up", check=False)
    assert refused.returncode == 1
    assert "loved" in refused.stderr
