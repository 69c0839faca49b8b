"""Alertmanager asks for what upkeep is not to do by itself; every alert is decided once."""

import http.client
import json
import queue
import random
import sqlite3
import threading
import time

import pytest

from harness.alertmanager import Webhook, alert_about, body, just_now, resolved
from harness.waiting import wait_until
from steps import actions, booted, runs_again, seen_running, stays_off

# The labels of the recorded bodies.
CONFIG = """
[[vm]]
match = "*"
act_on = "alerts"

[[alert]]
alertname = "VMGuardDomainDown"
match = { remediation = "restart" }
action = "restart_vm"
target_label = "domain"

[[alert]]
alertname = "UpkeepWatchdog"
action = "watchdog"
"""


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    booted(libvirtd, "web-01")
    upkeep = upkeep_for(libvirtd, more=CONFIG).start()
    seen_running(upkeep, "web-01")
    return upkeep


def outcome(upkeep, word):
    return upkeep.metric("upkeep_webhook_alerts_total", outcome=word)


def lines(upkeep, target=None):
    return [entry["text"] for entry in upkeep.history(target) if entry["kind"] == "alert"]


def test_an_alert_restarts_what_waits_for_one(libvirtd, upkeep):
    webhook, firing = Webhook(upkeep), body("firing-single")
    dead = libvirtd.crash("web-01")
    wait_until("upkeep to wait for an alert", lambda: upkeep.metric(
        "upkeep_remediation_decisions_total", rule="vm_down", decision="hold",
        reason="not_allowed_to_act") == 1)
    stays_off(libvirtd, upkeep, "web-01")

    begun = time.monotonic()
    assert webhook.post(firing) == (200, "alerts: 1 queued\n")
    pid = runs_again(libvirtd, "web-01", dead)
    print(f"{time.monotonic() - begun:.2f} s from the POST to the guest's process")
    started = {"action": "start_vm", "trigger": "webhook"}
    assert upkeep.metric("upkeep_remediation_actions_total", **started) == 1
    wait_until("the start to have ended", lambda: upkeep.metric(
        "upkeep_remediation_action_duration_seconds_count", action="start_vm") == 1)

    # The other Alertmanager of the pair, and the group sent again.
    for _ in range(3):
        assert webhook.post(firing) == (200, "alerts: 1 duplicate, 0 queued\n")
    assert webhook.post(resolved(firing))[0] == 200
    assert webhook.post(firing)[1] == "alerts: 1 after_resolved, 0 queued\n"
    # It dies again: what is over asks for nothing.
    libvirtd.crash("web-01")
    assert webhook.post(firing)[0] == 200
    stays_off(libvirtd, upkeep, "web-01")
    assert actions(upkeep) == 1 and pid is not None

    metrics = upkeep.metrics()
    for word, count in {"acted": 1, "duplicate": 3, "resolved": 1, "after_resolved": 2}.items():
        assert metrics.get("upkeep_webhook_alerts_total", outcome=word) == count, word
    assert metrics.sum("upkeep_webhook_alerts_total") == 7
    assert lines(upkeep, "vm/web-01")[0] == (
        "alert VMGuardDomainDown asks for restart_vm: start_vm begins")
    assert len(lines(upkeep)) == 4


def test_groups_as_alertmanager_sends_them(libvirtd, upkeep):
    webhook = Webhook(upkeep)
    libvirtd.crash("web-01")
    # No block is for this alertname; of the next, nothing is done with a part of a group.
    assert webhook.post(body("grouped-firing-2"))[1] == "alerts: 2 unknown_alert, 0 queued\n"
    truncated = body("truncated-max_alerts-1-firing")
    truncated["alerts"][0]["labels"].update(alertname="VMGuardDomainDown", remediation="restart")
    assert webhook.post(truncated)[1] == "alerts: 1 truncated, 0 queued\n"
    stays_off(libvirtd, upkeep, "web-01")
    # Each alert's own status: the group says resolved, web-01 fires.
    both = body("firing-single")
    both["status"] = "resolved"
    other = resolved(body("firing-single"))["alerts"][0]
    other["fingerprint"] = "0123456789abcdef"
    both["alerts"].append(other)
    assert webhook.post(both)[0] == 200
    wait_until("web-01 to run", lambda: libvirtd.qemu_pid("web-01"))


def down(*domains):
    """One group of alerts about these guests."""
    bodies = [alert_about("VMGuardDomainDown", remediation="restart", domain=domain)
              for domain in domains]
    bodies[0]["alerts"] = [alert for each in bodies for alert in each["alerts"]]
    return bodies[0]


def test_whatever_becomes_of_an_alert_is_counted_and_told(libvirtd, upkeep):
    webhook = Webhook(upkeep)

    def outcomes():
        return {labels["outcome"]: int(count) for labels, count in
                upkeep.metrics().all("upkeep_webhook_alerts_total") if count}

    def becomes(expected, told, *posts):
        """What is counted because of these posts, and which lines tell it: the ends of them."""
        before, said = outcomes(), len(lines(upkeep))
        for post in posts:
            assert webhook.post(post)[0] == 200
        wait_until(f"{expected}", lambda: expected == {
            word: count - before.get(word, 0) for word, count in outcomes().items()
            if count != before.get(word, 0)})
        new = lines(upkeep)[said:]
        assert len(new) == len(told), new
        for end in told:
            assert [line for line in new if line.endswith(end)], (end, new)

    of_another_node = "restart_vm: this node has none of that name, so it is another's"
    first = down("elsewhere1")
    becomes({"not_mine": 1}, [of_another_node], first)
    # The other Alertmanager of the pair, a replay, and the group as it is sent again: with one more.
    becomes({"duplicate": 2}, ["restart_vm: it arrived again; it is decided once"], first, first)
    larger = down("elsewhere2")
    larger["alerts"] += first["alerts"]
    becomes({"duplicate": 1, "not_mine": 1}, [of_another_node], larger)
    becomes({"resolved": 1}, ["restart_vm: it is resolved"], resolved(first))
    becomes({"after_resolved": 2},
            ["restart_vm: it arrived as firing after it was resolved: nothing is done"], first, first)

    # While libvirtd hangs, nothing can be decided.
    queued = down("web-01")
    libvirtd.freeze()
    becomes({"cancelled": 1, "resolved": 1},
            ["restart_vm: it was resolved before anything was decided: nothing is done"],
            queued, resolved(queued))
    libvirtd.thaw()

    becomes({"unknown_alert": 1},
            ["alert SomethingElse: no [[alert]] block is for it: nothing is done"],
            alert_about("SomethingElse", domain="web-01"))
    cut_short = down("web-01")
    cut_short["truncatedAlerts"] = 1
    becomes({"truncated": 1}, ["nothing of it is done; set its max_alerts to 0"], cut_short)
    # Names that nobody has, and what is no name.
    becomes({"not_mine": 3}, [of_another_node] * 3,
            down("$(reboot)", "web-01; reboot", "'; DROP TABLE alert; --"))
    becomes({"no_target": 3}, ["restart_vm: its label domain names nothing: nothing is done"] * 3,
            down("../web-01", "web-01\nvm/web-02", ""))
    assert {entry["target"] for entry in upkeep.history() if entry["kind"] == "alert"} == {
        None, "vm/elsewhere1", "vm/elsewhere2", "vm/web-01", "vm/$(reboot)", "vm/web-01; reboot",
        "vm/'; DROP TABLE alert; --"}
    assert actions(upkeep) == 0


def test_strangers_and_strange_bodies(upkeep):
    webhook = Webhook(upkeep)
    good = json.dumps(body("firing-single")).encode()
    sent = [(webhook.post(good, token="wrong" * 8), 401, "token"),
            (webhook.post(b""), 400, "not JSON"),
            (webhook.post(good[:-1]), 400, "not JSON"),
            (webhook.post(good.replace(b'"version": "4"', b'"version": "3"')), 400, '"3"'),
            (webhook.post({"text": "web-01 is down"}), 400, "version is missing"),
            (webhook.post(b"[" * 500_000), 400, "too deep"),
            (webhook.post(b" " * (1 << 20)), 400, "not JSON"),
            (webhook.post(b" " * ((1 << 20) + 1)), 413, "1048576")]
    for (status, text), wanted, what in sent:
        assert status == wanted and what in text and text.count("\n") == 1, (status, text)
    metrics = upkeep.metrics()
    for code, count in {"200": 0, "400": 6, "401": 1, "413": 1}.items():
        assert metrics.get("upkeep_webhook_requests_total", code=code) == count, code
    assert metrics.sum("upkeep_webhook_alerts_total") == 0


def test_watchdog(upkeep):
    webhook, watchdog = Webhook(upkeep), body("firing-single")
    name = "upkeep_webhook_last_watchdog_timestamp_seconds"
    started = upkeep.metric(name)
    assert started <= time.time()
    watchdog["alerts"][0]["labels"] = {"alertname": "UpkeepWatchdog", "severity": "none"}
    for count in (1, 2):
        posted = time.time()
        assert webhook.post(watchdog)[0] == 200
        wait_until("the gauge", lambda: upkeep.metric(name) >= posted - 0.001)
        assert outcome(upkeep, "watchdog") == count
    assert lines(upkeep) == []


def test_a_reload_changes_what_alerts_may_ask_for(libvirtd, upkeep):
    webhook, config = Webhook(upkeep), upkeep.config.read_text()
    block = 'action = "restart_vm"\ntarget_label = "domain"'
    assert block in config
    for text, good in ((config.replace(block, 'action = "restart"'), 0),
                       (config.replace(block, 'action = "recheck"'), 1)):
        upkeep.config.write_text(text)
        upkeep.hang_up()
        wait_until("the file to be read", lambda: upkeep.metric(
            "upkeep_config_last_reload_successful") == good)
    # What was wrong changed nothing.
    assert [line.split("msg=")[1] for line in upkeep.logged('"configuration changed"')] == [
        '"configuration changed" key=alert[0].action before=restart_vm after=recheck',
        '"configuration changed" key=alert[0].target_label before=domain after=""']
    libvirtd.crash("web-01")
    assert webhook.post(body("firing-single"))[1] == "alerts: 1 rechecked, 0 queued\n"
    stays_off(libvirtd, upkeep, "web-01")


POSTS, UNIQUE, KILLS = 10_000, 4_750, 2

# Off when the posts begin, and each waits for its alert. What the first ones wait for comes right
# before the first kill, and once more when they have died again; that of the next ones right before
# the second kill; that of the last ones whenever.
FIRST, NEXT, LAST = ["off1", "off2", "off3"], ["off4", "off5", "off6"], ["off7", "off8"]
OFF = [*FIRST, *NEXT, *LAST]


def key_of(number):
    return f"{number:016x}"


KEY_OF = {name: key_of(number) for number, name in enumerate(OFF)}


def alerts_by_thousands():
    """(key, body) of each POST in order, every unique alert twice, and 5 % garbage; and those that
    come once more at the end."""
    chance, template, now = random.Random(5), body("firing-single"), just_now()
    alert, posts, of_guest = template["alerts"][0], [], {}
    for number in range(UNIQUE):
        alert["fingerprint"], alert["startsAt"] = key_of(number), now
        # One in a hundred is about the guest that is here, and well.
        alert["labels"]["domain"] = (OFF[number] if number < len(OFF) else
                                     "web-01" if number % 100 == 0 else f"vm{number:04}")
        post = (alert["fingerprint"], json.dumps(template).encode())
        if number < len(FIRST + NEXT):
            of_guest[OFF[number]] = post
        else:
            posts += [post] * 2
    whole = posts[0][1]
    garbage = [b"", b"{", b"[[[[", b'{"version":"4"}', whole[:700], whole.replace(b"firing", b"fi")]
    posts += [(None, chance.choice(garbage)) for _ in range(POSTS - 2 * UNIQUE)]
    chance.shuffle(posts)
    for kill, names in ((1, FIRST), (2, NEXT)):
        for name in names:
            posts.insert(POSTS * kill // (KILLS + 1), of_guest[name])
    for name in NEXT:
        posts.insert(chance.randrange(len(posts) * 3 // 4, len(posts)), of_guest[name])
    return posts, [of_guest[name] for name in FIRST]


def boots(libvirtd, *names):
    """How often libvirtd has started each guest since it was defined: a line of its log of QEMU."""
    return {name: (libvirtd.root / "log" / "qemu" / f"{name}.log").read_text().count(
        "starting up libvirt version") for name in names}


def test_ten_thousand_posts_and_a_daemon_that_dies(libvirtd, upkeep, record_property, capsys):
    """Two Alertmanagers, each with several connections, send again what was not answered for. Among
    it are alerts of guests that are off."""
    webhook, todo, answered, refused = Webhook(upkeep), queue.Queue(), [], []
    posts, at_the_end = alerts_by_thousands()
    for post in posts:
        todo.put(post)

    def send(key, sent):
        """As Alertmanager: what is neither 2xx nor 4xx is tried again."""
        while True:
            try:
                status, text = webhook.post(sent)
            except (OSError, ValueError, AssertionError, http.client.HTTPException):
                time.sleep(0.05)  # It is dead, or not back yet.
                continue
            if status == 200:
                answered.append(key)
            elif 400 <= status < 500:
                refused.append((key, text))
            else:
                continue
            return

    def work():
        while True:
            try:
                key, sent = todo.get_nowait()
            except queue.Empty:
                return
            send(key, sent)

    booted(libvirtd, *OFF)
    seen_running(upkeep, *OFF)
    all_die(libvirtd, upkeep, OFF)
    assert set(boots(libvirtd, *OFF).values()) == {1}

    begun = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(1, KILLS + 1):
        left = POSTS - POSTS * number // (KILLS + 1)
        wait_until(f"{POSTS - left} posts", lambda: todo.qsize() <= left, timeout=120)
        upkeep.kill()
        upkeep.start()
        if number == 1:
            # Their alerts are over once they were seen to run: what comes of them later is old.
            wait_until("the first guests to be back", lambda: all_over(upkeep, FIRST))
            all_die(libvirtd, upkeep, FIRST)
    for thread in threads:
        thread.join()
    for post in at_the_end:
        send(*post)
    took = time.monotonic() - begun
    wait_until("every alert to be decided", lambda: undecided(upkeep) == 0)
    for name in NEXT + LAST:
        wait_until(f"{name} to run", lambda: libvirtd.qemu_pid(name))
    stays_off(libvirtd, upkeep, *FIRST)
    upkeep.stop()
    assert boots(libvirtd, *OFF) == {name: 2 for name in OFF}, "each is started for its alert, once"

    assert len(refused) == POSTS - 2 * UNIQUE and not [key for key, _ in refused if key]
    assert sorted(answered) == sorted(2 * [key_of(number) for number in range(UNIQUE)])
    with journal_of(upkeep) as journal:
        rows = dict(journal.execute("SELECT fingerprint, outcome FROM alert"))
        assert sorted(rows) == sorted(set(answered))
        for key in KEY_OF.values():
            # Killed between the start and what is said of its alert, the next daemon finds it well.
            assert rows.pop(key) in ("acted", "nothing_to_do")
        assert rows == {key: "nothing_to_do" if int(key, 16) % 100 == 0 else "not_mine"
                        for key in rows}
        told = dict(journal.execute(
            "SELECT target, count(*) FROM history WHERE kind = 'alert' "
            "AND text NOT LIKE '%arrived again%' GROUP BY target"))
        assert told.pop("vm/web-01") == (UNIQUE - 1) // 100
        assert len(told) == UNIQUE - (UNIQUE - 1) // 100 and set(told.values()) == {1}
        assert {f"vm/{name}" for name in OFF} <= told.keys()
        begun_for = journal.execute("SELECT DISTINCT subject, action, shown_by FROM action")
        assert sorted(begun_for) == [(name, "start_vm", "webhook") for name in OFF]
    text = (f"{POSTS} posts with {KILLS} kills in {took:.0f} s: "
            f"{POSTS / took:.0f} a second over 8 connections")
    record_property("webhook", text)
    with capsys.disabled():
        print(f"\n{text}")


def all_die(libvirtd, upkeep, names):
    """The guests are off, and upkeep waits for an alert before it starts them."""
    for name in names:
        libvirtd.crash(name)
    def held_back():
        decisions = {vm["name"]: vm["decision"] for vm in upkeep.status()["vms"]}
        return all(decisions[name] and decisions[name]["hold"] == "not_allowed_to_act"
                   for name in names)
    wait_until("upkeep to wait for their alerts", held_back)


def all_over(upkeep, names):
    with journal_of(upkeep) as journal:
        return all(journal.execute("SELECT over FROM alert WHERE fingerprint = ?", [KEY_OF[name]]
                                   ).fetchone() == (1,) for name in names)


def journal_of(upkeep):
    return sqlite3.connect(f"file:{upkeep.journal}?mode=ro", uri=True)


def undecided(upkeep):
    with journal_of(upkeep) as journal:
        return journal.execute("SELECT count(*) FROM alert WHERE outcome IS NULL").fetchone()[0]
