"""Both sides wrote without each other: nothing is done by itself, everything is explained."""

import pytest

from steps import actions_on, every, left_alone, undisturbed

WRITE = "dd if=/dev/urandom of=/dev/drbd6 bs=64k count=4 oflag=direct"


def make_split_brain(lab):
    lab.n1.cut_link()
    for node in lab:
        every(f"{node.name} to lose its peer",
              lambda node=node: node.proc_drbd()[6][0] == "WFConnection")
        node.run(f"drbdadm primary r6 && {WRITE}")
    lab.n1.mend_link()
    for node in lab:
        every(f"{node.name} to refuse its peer",
              lambda node=node: node.proc_drbd()[6][0] == "StandAlone")


@pytest.mark.every_change
def test_split_brain_is_left_alone_and_explained(lab, story):
    undisturbed(lab)
    story.begin()
    make_split_brain(lab)
    explained = {}
    for node in lab:
        every(f"{node.name} to show the split brain",
              lambda node=node: node.metrics().get("upkeep_drbd_split_brain", resource="r6") == 1)
        decision = every("a decision", lambda node=node: node.resource("r6")["decision"])
        assert decision["rule"] == "drbd_split_brain" and decision["verdict"] == "hold", decision
        explained[node.name] = node.why("resource/r6")["headline"]
    seconds = story.seconds()
    left_alone(story)
    for node in lab:
        assert node.proc_drbd()[6][:2] == ("StandAlone", "Primary/Unknown")
        # The evidence survives upkeep's own restart.
        node.stop_upkeep()
        node.start_upkeep()
        every(f"{node.name} to hold again", lambda node=node:
              (node.resource("r6")["decision"] or {}).get("rule") == "drbd_split_brain")
        assert node.resource("r6")["split_brain"]
        assert set(actions_on(node, "resource/r6")) == {"bring_up_resource"}
    left_alone(story)
    # The other seven have long come back.
    every("the others to be connected", lambda: all(
        node.proc_drbd()[number][0] == "Connected" for node in lab for number in range(8)
        if number != 6))
    story.tell("both sides Primary and writing on r6 while the link was cut",
               f"hold: {explained['n1']}", f"StandAlone on both, untouched; explained after "
               f"{seconds:.1f} s; the other seven UpToDate")
