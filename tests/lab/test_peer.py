"""The other node crashes, reboots, or is cut off: what comes back alone, and what upkeep adds."""

from harness.lab.lab import RESOURCES
from steps import every, in_sync, left_alone, seen_in_sync, undisturbed


def waits_for_peer(node):
    """Waits until /metrics shows every connection as lost, and every own disk as good."""
    def so():
        metrics = node.metrics()
        return (metrics.sum("upkeep_drbd_connected") == 0 and
                sum(value for labels, value in metrics.all("upkeep_drbd_device_state")
                    if labels["state"] == "UpToDate") == RESOURCES)
    every(f"{node.name} to see that its peer is gone", so)


def test_peer_crashes_and_comes_back(lab, story):
    undisturbed(lab)
    lab.n1.run("drbdadm primary r1 && dd if=/dev/urandom of=/dev/drbd1 bs=64k count=4 oflag=direct")
    story.begin()
    lab.n2.crash()
    waits_for_peer(lab.n1)
    lab.n1.run("dd if=/dev/urandom of=/dev/drbd1 bs=64k count=16 oflag=direct")
    left_alone(story)
    story.tell("n2 lost its power; n1 writes on", "none: n1 waits for its peer",
               "n1 UpToDate, connecting")
    sums = "dd if=/dev/drbd1 iflag=direct bs=64k count=16 2>/dev/null | md5sum"
    written = lab.n1.run(sums).output

    story.begin()
    lab.n2.boot()
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    assert {call.words for call in story.commands(lab.n2) if not call.nested} == {
        ("drbdadm", "adjust", f"r{number}") for number in range(RESOURCES)}
    assert not story.commands(lab.n1)
    lab.n1.run("drbdadm secondary r1")
    lab.n2.run("drbdadm primary r1")
    assert lab.n2.run(sums).output == written
    lab.n2.run("drbdadm secondary r1")
    story.tell("n2 powered on", "n2: drbd_down, each by itself",
               "8 of 8 UpToDate, n1's writes on n2", healthy)


def test_peer_reboots_and_reconnects(lab, story):
    """What its own shutdown took down is no administrator's `down` after the boot."""
    undisturbed(lab)
    booted_before = lab.n1.metrics().get("upkeep_peer_boot_time_seconds", peer="n2")
    story.begin()
    lab.n2.stop_upkeep()
    lab.n2.run("drbdadm down all; sync")
    lab.n2.crash()
    waits_for_peer(lab.n1)
    lab.n2.boot()
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    assert {call.words for call in story.commands(lab.n2) if not call.nested} == {
        ("drbdadm", "adjust", f"r{number}") for number in range(RESOURCES)}
    assert not story.commands(lab.n1)
    every("n1 to have seen that n2 booted", lambda: lab.n1.metrics().get(
        "upkeep_peer_boot_time_seconds", peer="n2") > booted_before)
    story.tell("n2 shuts down cleanly and boots", "n2: drbd_down, each by itself; n1: none",
               "8 of 8 UpToDate", healthy)


def test_link_is_cut_and_mended(lab, story):
    undisturbed(lab)
    lab.n1.run("drbdadm primary r2")
    story.begin()
    lab.n1.cut_link()
    for node in lab:
        waits_for_peer(node)
    lab.n1.run("dd if=/dev/urandom of=/dev/drbd2 bs=64k count=4 oflag=direct")
    out_of_sync = every("what the peer lacks to be seen", lambda: lab.n1.metrics().get(
        "upkeep_drbd_out_of_sync_bytes", resource="r2", peer="n2", volume="0"))
    assert out_of_sync >= 4 * 65536
    left_alone(story)
    lab.n1.mend_link()
    mended = story.begin()
    in_sync(lab)
    healthy = mended.seconds()
    seen_in_sync(*lab)
    assert lab.n1.metrics().get("upkeep_drbd_out_of_sync_bytes", resource="r2", peer="n2",
                                volume="0") == 0
    lab.n1.run("drbdadm secondary r2")
    story.tell("link cut, n1 writes, link mended", "none: DRBD reconnects by itself",
               "8 of 8 UpToDate, nothing out of sync", healthy)
