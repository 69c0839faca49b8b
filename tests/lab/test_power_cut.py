"""Both nodes lose power at once."""

import pytest

from harness.lab.lab import GUEST, RESOURCES
from harness.waiting import stays_so
from steps import (LONG_ENOUGH_TO_ACT, boot_counter, booted, decision_on, every, guest_runs, held,
                   in_sync, seen_in_sync, start_guest, stop_guest, undisturbed)

#: `lab.sh up`, adjust, promote and virsh start by hand, by somebody who was waiting for it.
BY_HAND_SECONDS = 26


def starts_that_touched(node):
    """How upkeep's starts of the guest ended. One that was refused touched nothing: right before
    the promotion everything is read again, which an overloaded node may not manage in time."""
    texts = [entry["text"] for entry in node.history()
             if entry["kind"] == "end" and entry["target"] == f"vm/{GUEST}"]
    return [text for text in texts if not text.startswith("start_vm refused")]


@pytest.mark.every_change
def test_both_nodes_lose_power_and_the_guest_comes_back(lab, story):
    undisturbed(lab)
    start_guest(lab.n1)
    before = boot_counter(lab.n1)
    lab.crash()
    story.begin()
    lab.power_on()
    lab.wait_up()
    every(f"{GUEST} to run on n1 again", lambda: guest_runs(lab.n1))
    running = story.seconds()
    booted(lab.n1)
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    assert boot_counter(lab.n1) == before + 1
    assert not guest_runs(lab.n2)
    ends = every("upkeep to say how its start ended", lambda: starts_that_touched(lab.n1))
    assert len(ends) == 1 and ends[0].startswith("start_vm succeeded"), ends
    commands = [call.words for call in story.commands(lab.n1) if not call.nested]
    assert sorted(commands) == sorted(
        [("drbdadm", "adjust", f"r{number}") for number in range(RESOURCES)] +
        [("drbdadm", "primary", "r0")]), commands
    story.tell("both nodes powered on after the cut",
               f"drbd_down ×{RESOURCES} on each; vm_down: start_vm, r0 made Primary first",
               f"8 of 8 UpToDate, {GUEST} running after {running:.1f} s from power-on "
               f"(by hand, quiet machine: {BY_HAND_SECONDS} s), its boot counter +1", healthy)
    stop_guest(lab.n1)


def test_guest_crashes_while_the_peer_is_away(lab, story):
    """Gate (a): Primary here since before the peer went, so nobody else can have written."""
    undisturbed(lab)
    start_guest(lab.n1)
    before = boot_counter(lab.n1)
    lab.n2.crash()
    every("n1 to see that its peer is gone",
          lambda: lab.n1.metrics().sum("upkeep_drbd_connected") == 0)
    story.begin()
    lab.n1.run(f"kill -9 $(cat /run/libvirt/qemu/{GUEST}.pid)")
    every(f"{GUEST} to run again", lambda: guest_runs(lab.n1) and boot_counter(lab.n1) > before)
    healthy = story.seconds()
    assert boot_counter(lab.n1) == before + 1
    story.tell(f"{GUEST}'s QEMU killed while n2 is off", "vm_down: start_vm, nobody else can have "
               "written", f"{GUEST} running, boot counter +1", healthy)


def test_one_of_both_never_returns(lab, story):
    undisturbed(lab)
    start_guest(lab.n1)
    before = boot_counter(lab.n1)
    lab.crash()
    story.begin()
    lab.n1.boot()
    lab.n1.wait_ready()
    every("n1 to have brought up everything", lambda: len(lab.n1.proc_drbd()) == RESOURCES and all(
        one[0] == "WFConnection" for one in lab.n1.proc_drbd().values()))
    decision = held(lab.n1, f"vm/{GUEST}", "peer_not_connected")
    seconds = story.seconds()
    seen = len(story.commands(lab.n1))
    stays_so(f"{GUEST} off", lambda: not guest_runs(lab.n1), LONG_ENOUGH_TO_ACT)
    every("n1 to say what would open it", lambda: decision_on(lab.n1, f"vm/{GUEST}")["opens_with"]
          == "upkeep peer declare-dead n2")
    assert len(story.commands(lab.n1)) == seen
    assert not guest_runs(lab.n1)
    story.tell("both cut, only n1 powered on",
               f"hold {decision['hold']}: {decision['text']} upkeep peer declare-dead n2 opens it",
               f"{GUEST} off; explained after {seconds:.1f} s")

    story.begin()
    lab.n1.upkeep("peer declare-dead n2")
    every(f"{GUEST} to run", lambda: guest_runs(lab.n1))
    opened = story.seconds()
    booted(lab.n1)
    assert boot_counter(lab.n1) == before + 1
    story.tell("upkeep peer declare-dead n2", "vm_down: start_vm, a person opened the gate",
               f"{GUEST} running, boot counter +1", opened)

    story.begin()
    lab.n2.boot()
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    assert guest_runs(lab.n1) and not guest_runs(lab.n2)
    story.tell("n2 returns after all", "n2: drbd_down, each by itself",
               f"{GUEST} on n1 only; n2 resynchronised", healthy)
    stop_guest(lab.n1)
