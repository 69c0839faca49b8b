"""Backing devices that are missing, fail, or stay failed."""

import re

import pytest

from harness.lab.lab import RESOURCES
from harness.waiting import stays_so
from steps import every, held, in_sync, seen_in_sync, undisturbed

MISSING = 3


def attaches(story, node):
    return [call.text for call in story.commands(node)
            if not call.nested and "attach" in call.words]


@pytest.mark.every_change
def test_one_backing_device_of_eight_is_missing_and_the_other_seven_come_back(lab, story):
    """`drbdadm adjust all` would leave the ones after it StandAlone."""
    undisturbed(lab)
    lab.n1.crash()
    story.begin()
    lab.n1.boot(f"lab-missing={MISSING}")

    def seven_are_back():
        devices = lab.n1.proc_drbd()
        return all(devices.get(number, ())[:3:2] == ("Connected", "UpToDate/UpToDate")
                   for number in range(RESOURCES) if number != MISSING)
    every("the other seven to be UpToDate", seven_are_back)
    healthy = story.seconds()
    failure = every("the eighth to be tried and found failing", lambda: re.search(
        f'msg="bring-up failed" resource=r{MISSING} .*detail="([^"]*)"', lab.n1.log()))
    decision = held(lab.n1, f"resource/r{MISSING}", "disk_missing")
    every("the eighth to be served by its peer",
          lambda: lab.n1.proc_drbd()[MISSING][:3:2] == ("Connected", "Diskless/UpToDate"))
    story.tell(f"n1 powered on, the backing device of r{MISSING} missing",
               f"drbd_down, each by itself; r{MISSING}: {failure[1]}; "
               f"hold {decision['hold']}: {decision['text']}",
               f"7 of 8 UpToDate, r{MISSING} connected without its disk", healthy)

    size = lab.n2.run(f"dmsetup table b{MISSING}").output.split()[1]
    story.begin()
    lab.n1.run(f"dmsetup create b{MISSING} --noudevsync --table "
               f"'0 {size} linear /dev/vda {int(size) * MISSING}' && dmsetup mknodes b{MISSING}")
    in_sync(lab)
    late = story.seconds()
    seen_in_sync(*lab)
    assert attaches(story, lab.n1) == [f"drbdadm attach r{MISSING}/0"]
    story.tell("the missing device appears",
               "drbd_diskless: attach_device", "8 of 8 UpToDate", late)


def test_adjust_of_everything_that_was_cut_short(lab, story):
    """What somebody's `adjust all` left attached and unconnected, because one disk was missing."""
    undisturbed(lab)
    lab.n1.run("rm /persist/enabled-upkeep; sync")
    lab.n1.crash()
    lab.n1.boot(f"lab-missing={MISSING}")
    lab.n1.run("modprobe drbd && ! drbdadm adjust all")
    left = {number: one[0] for number, one in lab.n1.proc_drbd().items()}
    unconnected = [number for number, state in left.items()
                   if state == "StandAlone" and number != MISSING]
    assert unconnected, left
    story.begin()
    lab.n1.run("touch /persist/enabled-upkeep")
    lab.n1.start_upkeep()
    every("the others to be UpToDate", lambda: all(
        lab.n1.proc_drbd().get(number, ())[:3:2] == ("Connected", "UpToDate/UpToDate")
        for number in range(RESOURCES) if number != MISSING))
    story.tell(f"`drbdadm adjust all` stopped at r{MISSING}, whose disk is missing: "
               f"{len(unconnected)} left StandAlone", "drbd_standalone: reconnect_resource",
               "7 of 8 UpToDate", story.seconds())
    lab.crash()


def lose_disk(story, number, how):
    """A write by n1, Primary, meets n2's disk, which fails now; waits until DRBD let go of it."""
    n1, n2 = story.lab
    n1.run(f"drbdadm primary r{number}")
    story.begin()
    how(number)
    n1.run(f"dd if=/dev/urandom of=/dev/drbd{number} bs=64k count=1 oflag=direct")
    every("n2 to have detached the failing disk",
          lambda: n2.proc_drbd()[number][2].startswith("Diskless"))


def test_disk_fails_and_is_repaired(lab, story):
    undisturbed(lab)
    lose_disk(story, 5, lab.n2.fail_disk)
    decision = held(lab.n2, "resource/r5", "disk_unreadable")
    story.tell("I/O error below r5 on n2, Secondary", f"hold {decision['hold']}: {decision['text']}",
               "r5 Diskless on n2; n1 serves it")
    lab.n2.mend_disk(5)
    story.begin()
    lab.n2.upkeep("release resource/r5")
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    story.tell("the disk is repaired; upkeep release resource/r5", "drbd_diskless: attach_device",
               "r5 UpToDate on both", healthy)
    lab.n1.run("drbdadm secondary r5")


def test_disk_that_cannot_be_read_is_not_attached(lab, story):
    undisturbed(lab)
    lose_disk(story, 7, lab.n2.fail_disk)
    decision = held(lab.n2, "resource/r7", "disk_unreadable")
    before = len(story.commands(lab.n2))
    stays_so("no further command", lambda: len(story.commands(lab.n2)) == before, 45)
    assert not attaches(story, lab.n2)
    story.tell("I/O errors below r7 on n2 that stay", f"hold {decision['hold']}: {decision['text']}",
               "r7 Diskless on n2; n1 serves it")
    lab.n2.mend_disk(7)
    lab.n2.run("drbdadm attach r7")
    in_sync(lab)
    lab.n1.run("drbdadm secondary r7")


def test_disk_that_stays_failed_is_latched_after_one_attempt(lab, story):
    """It can be read, so upkeep tries; that writes fail, only the attempt shows."""
    undisturbed(lab)
    lose_disk(story, 6, lab.n2.refuse_writes)
    decision = held(lab.n2, "resource/r6", "latched")
    assert len(attaches(story, lab.n2)) == 1, attaches(story, lab.n2)
    every("the latch in /metrics", lambda: lab.n2.metrics().get(
        "upkeep_remediation_latched", target="resource/r6") == 1)
    before = len(story.commands(lab.n2))
    stays_so("no further command", lambda: len(story.commands(lab.n2)) == before, 45)
    story.tell("writes below r6 on n2 fail, reads do not",
               f"drbd_diskless: attach_device; hold {decision['hold']}: {decision['text']}",
               "r6 not UpToDate on n2; n1 serves it")
    lab.n2.mend_disk(6)
    story.begin()
    lab.n2.upkeep("release resource/r6")
    in_sync(lab)
    healthy = story.seconds()
    story.tell("the disk is repaired; upkeep release resource/r6", "drbd_diskless: attach_device",
               "r6 UpToDate on both", healthy)
    lab.n1.run("drbdadm secondary r6")
