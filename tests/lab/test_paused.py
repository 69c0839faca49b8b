"""A guest is paused because no copy of its disk can be reached, and goes on when one can."""

from harness.lab.lab import GUEST
from harness.waiting import stays_so
from steps import (boot_counter, every, guest_runs, held, in_sync, seen_in_sync, start_guest,
                   stop_guest, undisturbed)

#: So long must its disks have been good before a paused guest goes on.
HEALTHY_FIRST = 10.0


def paused(node):
    return node.virsh(f"domstate --reason {GUEST}").output.strip() == "paused (I/O error)"


def test_guest_paused_by_an_io_error_goes_on_once_its_disk_is_good(lab, story):
    """n1's disk fails and DRBD serves the guest from n2; then the link is cut, too, and nothing is
    left to serve it from."""
    undisturbed(lab)
    start_guest(lab.n1)
    before = boot_counter(lab.n1)
    story.begin()
    lab.n1.fail_disk(0)
    every("n1 to have detached the failing disk",
          lambda: lab.n1.proc_drbd()[0][2] == "Diskless/UpToDate")
    assert guest_runs(lab.n1)
    decision = held(lab.n1, "resource/r0", "primary_here")
    story.tell(f"I/O error below r0 on n1, where {GUEST} runs",
               f"hold {decision['hold']}: {decision['text']}", f"{GUEST} runs on, from n2's copy")

    story.begin()
    lab.n1.cut_link()
    every(f"{GUEST} to be paused", lambda: paused(lab.n1))
    decision = held(lab.n1, f"vm/{GUEST}", "storage_not_up_to_date")
    assert lab.n1.metrics().states("upkeep_vm_state", "state", vm=GUEST) == ["paused"]
    story.tell("the link is cut as well", f"hold {decision['hold']}: {decision['text']}",
               f"{GUEST} paused (I/O error), untouched")

    lab.n1.mend_link()
    lab.n1.mend_disk(0)
    every("r0 to be connected again", lambda: lab.n1.proc_drbd()[0][0] == "Connected")
    story.begin()
    lab.n1.run("drbdadm attach r0")
    every("n1's copy to be good",
          lambda: lab.n1.proc_drbd()[0] == ("Connected", "Primary/Secondary", "UpToDate/UpToDate"))
    repaired = story.seconds()
    every(f"{GUEST} to run", lambda: guest_runs(lab.n1))
    resumed = story.seconds()
    assert resumed - repaired > HEALTHY_FIRST - 5, (resumed, repaired)
    stays_so(f"{GUEST} running", lambda: guest_runs(lab.n1), 5)
    in_sync(lab)
    seen_in_sync(*lab)
    assert boot_counter(lab.n1) == before, "it went on where it was; it did not boot"
    assert [entry["text"] for entry in lab.n1.history()
            if entry["kind"] == "begin" and entry["target"] == f"vm/{GUEST}"], lab.n1.history()
    story.tell("link mended, disk replaced, drbdadm attach r0 on n1",
               "vm_paused_io: resume_vm, once its disk was good for 10 s",
               f"{GUEST} running, not rebooted", resumed)
    stop_guest(lab.n1)
