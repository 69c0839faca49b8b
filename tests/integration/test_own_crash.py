"""upkeep is killed while it acts: it neither forgets the guest nor starts it twice."""

import random
import time

from harness.waiting import wait_until
from steps import booted, runs_again, seen_running


def times_started(libvirtd, name):
    """libvirt numbers every start of any guest; the number stays with the guest while it runs."""
    return int(libvirtd.virsh("domid", name).stdout)


def settled(upkeep):
    starts = upkeep.starts()
    return bool(starts) and all(begin and end for begin, end in starts)


def test_killed_between_journal_and_outcome(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    first = times_started(libvirtd, "web1")
    logged = upkeep.log_path.stat().st_size
    dead = libvirtd.crash("web1")
    with upkeep.log_path.open() as log:
        log.seek(logged)
        # The action is in the journal when it is logged, and takes a third of a second.
        wait_until("the start to be logged", lambda: "restarting vm" in log.read(), every=0.001)
    upkeep.kill()
    assert any(end is None for _, end in upkeep.starts("web1")), "killed too late for this test"

    upkeep.start()
    runs_again(libvirtd, "web1", dead)
    seen_running(upkeep, "web1")
    wait_until("the interrupted action to be settled", lambda: settled(upkeep))
    assert times_started(libvirtd, "web1") == first + 1


def test_killed_at_any_moment(libvirtd, upkeep_for, record_property):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd, first_gap="100ms", stable_window="1s",
                        more="attempts_per_hour = 100\n").start()
    seed = random.randrange(1 << 32)
    record_property("seed", seed)
    print("seed", seed)  # shown when the test fails
    chance = random.Random(seed)
    for turn in range(12):
        seen_running(upkeep, "web1")
        number = times_started(libvirtd, "web1")
        dead = libvirtd.crash("web1")
        time.sleep(chance.uniform(0, 0.6))  # the moment of the kill is what is tried here
        upkeep.kill()
        upkeep.start()
        runs_again(libvirtd, "web1", dead)
        wait_until("every action to be settled", lambda: settled(upkeep) or not upkeep.starts())
        assert times_started(libvirtd, "web1") == number + 1, f"turn {turn}"
    # Nothing of this is a stop on purpose, and no round latched it.
    assert upkeep.metric("upkeep_vm_wanted", vm="web1") == 1
