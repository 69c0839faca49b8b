"""Both sides wrote without each other: nothing is done by itself, everything is explained, and a
person's word settles it."""

import pytest

from steps import actions_on, every, in_sync, left_alone, seen_in_sync, undisturbed

WRITE = "dd if=/dev/urandom of=/dev/drbd6 bs=64k count=4 oflag=direct"
SUM = "dd if=/dev/drbd6 iflag=direct bs=64k count=4 2>/dev/null | md5sum"


def is_in_split_brain(lab):
    return all(node.is_on and node.proc_drbd()[6][:2] == ("StandAlone", "Primary/Unknown")
               for node in lab)


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


@pytest.mark.every_change
def test_split_brain_is_resolved_when_a_person_says_so(lab, story):
    """The one from before, if it still is."""
    if not is_in_split_brain(lab):
        undisturbed(lab)
        make_split_brain(lab)
    for node in lab:
        every(f"{node.name} to show the split brain",
              lambda node=node: node.metrics().get("upkeep_drbd_split_brain", resource="r6") == 1)
    kept = lab.n1.run(SUM).output
    assert lab.n2.run(SUM).output != kept
    refused = lab.n2.upkeep("drbd resolve r6 --discard-local --yes-discard-data-on n2", check=False)
    assert refused.status != 0, "it is Primary there"
    lab.n2.run("drbdadm secondary r6")
    wrong = lab.n2.upkeep("drbd resolve r6 --discard-local --yes-discard-data-on n1", check=False)
    assert wrong.status != 0, "it names the other node"
    story.begin()
    lab.n2.upkeep("drbd resolve r6 --discard-local --yes-discard-data-on n2")
    lab.n1.upkeep("drbd resolve r6 --keep-local --yes")
    in_sync(lab)
    healthy = story.seconds()
    seen_in_sync(*lab)
    story.tell("n2 made Secondary; drbd resolve r6: discard on n2, keep on n1",
               "a person decided", "r6 UpToDate on both, n1's writes kept", healthy)
    lab.n1.run("drbdadm secondary r6")
    lab.n2.run("drbdadm primary r6")
    assert lab.n2.run(SUM).output == kept
    lab.n2.run("drbdadm secondary r6")
    for node in lab:
        every(f"{node.name} to have forgotten the evidence",
              lambda node=node: node.metrics().get("upkeep_drbd_split_brain", resource="r6") == 0)
    # What was ordered, and nothing more, was done, and only on the node that was named.
    ordered = [call for call in story.commands(lab.n2) if call.may_lose_data]
    assert ordered and all("r6" in call.words for call in ordered if not call.nested), ordered
    assert any("--discard-my-data" in call.words for call in ordered), ordered
    assert not [call for call in story.commands(lab.n1) if call.may_lose_data]
    lab.ordered_by_a_person += ordered
