"""What is posted to the webhook and isn't taken: whoever sends it can see that, and why."""

import http.client
import socket
import urllib.parse

import pytest

from harness.alertmanager import PATH, Webhook, body
from harness.waiting import wait_until

REASONS = {"not_json", "too_deep", "wrong_version", "not_v4", "too_many_alerts", "too_large",
           "too_slow", "no_length", "unclear_length"}


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    return upkeep_for(libvirtd).start()


def counts(upkeep, reason, number):
    wait_until(f"{reason} to be counted", lambda: upkeep.metric(
        "upkeep_webhook_refused_total", reason=reason) == number)


def lines(upkeep):
    return [entry["text"] for entry in upkeep.history() if entry["kind"] == "note"]


def post_raw(upkeep, headers, sent=b"", token=None):
    """The status of a POST with just these headers."""
    address = urllib.parse.urlsplit(upkeep.instance()["control_url"])
    head = [f"POST {PATH} HTTP/1.1", "Host: node1",
            f"Authorization: Bearer {token or upkeep.token()}", *headers, "", ""]
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall("\r\n".join(head).encode() + sent)
        client.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status


def test_every_reason_is_counted_and_told(upkeep):
    assert {labels["reason"]: value for labels, value in
            upkeep.metrics().all("upkeep_webhook_refused_total")} == dict.fromkeys(REASONS, 0)
    webhook, good = Webhook(upkeep), body("firing-single")
    version3, odd, many = ({**good} for _ in range(3))
    version3["version"] = "3"
    odd["alerts"] = [{**good["alerts"][0], "startsAt": "yesterday"}]
    many["alerts"] = [{}] * 1001
    posts = {
        "not_json": lambda: webhook.post(b"receiver=upkeep")[0],
        "too_deep": lambda: webhook.post(b"[" * 100 + b"]" * 100)[0],
        "wrong_version": lambda: webhook.post(version3)[0],
        "not_v4": lambda: webhook.post(odd)[0],
        "too_many_alerts": lambda: webhook.post(many)[0],
        "too_large": lambda: webhook.post(b" " * (1024 * 1024 + 1))[0],
        "too_slow": lambda: post_raw(upkeep, ["Content-Length: 10"], b"{"),
        "no_length": lambda: post_raw(upkeep, ["Transfer-Encoding: chunked"]),
        "unclear_length": lambda: post_raw(upkeep, ["Content-Length: 2", "Content-Length: 3"], b"{}"),
    }
    codes = {"too_large": 413, "too_slow": 408, "no_length": 411}
    assert set(posts) == REASONS
    for reason, post in posts.items():
        assert post() == codes.get(reason, 400), reason
        counts(upkeep, reason, 1)
        wait_until("its line of the history", lambda: any(
            f"webhook was refused ({reason}): " in line for line in lines(upkeep)))
        assert len(upkeep.logged(f"webhook refused a body.* reason={reason} ")) == 1
    assert any("alerts[0].startsAt is not a time" in line for line in lines(upkeep))

    assert webhook.post(version3)[0] == 400
    counts(upkeep, "wrong_version", 2)
    assert "was refused (wrong_version)" in upkeep.cli("history").stdout


def test_strangers_leave_no_line(upkeep):
    assert Webhook(upkeep).post(b"garbage", token="x" * 32)[0] == 401
    assert post_raw(upkeep, ["Transfer-Encoding: chunked"], token="x" * 32) == 401
    wait_until("both to be counted", lambda: upkeep.metric(
        "upkeep_webhook_requests_total", code="401") == 2)
    assert upkeep.metrics().sum("upkeep_webhook_refused_total") == 0
    assert not lines(upkeep) and not upkeep.logged("webhook refused a body")


def test_as_many_alerts_as_are_taken_fit_into_the_time_for_a_body(upkeep):
    """Half a megabyte and more, as Alertmanager writes it."""
    group = body("firing-single")
    group["alerts"] = [{**group["alerts"][0], "fingerprint": f"{number:016x}"}
                       for number in range(1000)]
    assert Webhook(upkeep).post(group) == (200, "alerts: 1000 unknown_alert, 0 queued\n")
    assert upkeep.metrics().sum("upkeep_webhook_refused_total") == 0
