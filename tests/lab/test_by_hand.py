"""What an administrator did on purpose is not undone."""

from steps import every, held, in_sync, left_alone, seen_in_sync, undisturbed


def test_resource_that_an_administrator_disconnected(lab, story):
    undisturbed(lab)
    story.begin()
    lab.n1.run("drbdadm disconnect r3")
    every("n1 to show r3 as StandAlone", lambda: lab.n1.metrics().states(
        "upkeep_drbd_connection_state", "state", resource="r3") == ["StandAlone"])
    decision = held(lab.n1, "resource/r3", "disconnected_by_operator", "no_remedy")
    left_alone(story)
    assert lab.n1.proc_drbd()[3][0] == "StandAlone"
    assert lab.n1.why("resource/r3")["commands"] == ["drbdadm connect r3"]
    story.tell("drbdadm disconnect r3 on n1", f"hold {decision['hold']}: {decision['text']}",
               "r3 StandAlone on n1, untouched")
    lab.n1.run("drbdadm connect r3")
    in_sync(lab)


def test_resource_that_an_administrator_took_down(lab, story):
    undisturbed(lab)
    story.begin()
    lab.n1.run("drbdadm down r4")
    decision = held(lab.n1, "resource/r4", "down_by_operator")
    assert decision["opens_with"] == "drbdadm adjust r4"
    left_alone(story)
    assert 4 not in lab.n1.proc_drbd()
    story.tell("drbdadm down r4 on n1", f"hold {decision['hold']}: {decision['text']}",
               "r4 down on n1, untouched")
    # It stays so when upkeep itself comes back: the journal remembers that r4 was up in this boot.
    lab.n1.stop_upkeep()
    lab.n1.start_upkeep()
    held(lab.n1, "resource/r4", "down_by_operator")
    left_alone(story)
    story.tell("upkeep restarted meanwhile", "the same", "r4 down on n1, untouched")
    lab.n1.run("drbdadm adjust r4")
    in_sync(lab)
    seen_in_sync(*lab)
