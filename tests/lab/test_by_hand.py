"""What an administrator did on purpose is not undone."""

from steps import every, held, in_sync, left_alone, undisturbed


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
