"""A guest that was taken over by hand on the other node is not started where it ran before."""

from harness.lab.lab import GUEST
from harness.waiting import stays_so
from steps import (LONG_ENOUGH_TO_ACT, boot_counter, every, guest_runs, in_sync, seen_in_sync,
                   start_guest, stop_guest, undisturbed)


def made_primary(story, node):
    return [call.text for call in story.commands(node) if "primary" in call.words]


def test_guest_taken_over_by_hand_is_not_started_on_its_old_node(lab, story):
    undisturbed(lab)
    start_guest(lab.n1)
    lab.n1.crash()
    every("n2 to see that its peer is gone",
          lambda: lab.n2.metrics().sum("upkeep_drbd_connected") == 0)
    start_guest(lab.n2)
    counted = boot_counter(lab.n2)
    story.begin()
    lab.n1.boot()
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    every(f"n1 to have seen where {GUEST} is",
          lambda: lab.n1.metrics().get("upkeep_vm_wanted", vm=GUEST) == 0)
    stays_so(f"{GUEST} off on n1", lambda: not guest_runs(lab.n1), LONG_ENOUGH_TO_ACT)
    assert guest_runs(lab.n2) and boot_counter(lab.n2) == counted
    assert not made_primary(story, lab.n1)
    story.tell(f"n2 runs {GUEST} since n1's power cut; n1 returns",
               lab.n1.why(f"vm/{GUEST}")["headline"],
               f"{GUEST} on n2 only; n1 resynchronised", healthy)

    # That it moved outlasts its run over there: n1 leaves it off when nobody runs it any more.
    story.begin()
    stop_guest(lab.n2)
    stays_so(f"{GUEST} off on n1", lambda: not guest_runs(lab.n1), LONG_ENOUGH_TO_ACT)
    assert not made_primary(story, lab.n1)
    story.tell(f"{GUEST} stopped on n2", lab.n1.why(f"vm/{GUEST}")["headline"],
               f"{GUEST} off on both")
