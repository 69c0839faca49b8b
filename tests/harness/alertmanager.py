"""Posts to upkeep's webhook as Alertmanager does."""

import copy
import datetime
import hashlib
import http.client
import json
import pathlib
import urllib.parse

BODIES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "alertmanager"
PATH = "/webhook/alertmanager"


def body(name):
    """A body that a real Alertmanager posted, as if it had done so just now."""
    payload = json.loads((BODIES / f"{name}.json").read_text())
    for alert in payload["alerts"]:
        alert["startsAt"] = just_now()
    return payload


def alert_about(alertname, **labels):
    """A body with one alert that has just begun to fire; equal labels give an equal fingerprint."""
    payload, labels = body("firing-single"), {"alertname": alertname, **labels}
    [alert] = payload["alerts"]
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()
    alert["labels"], alert["fingerprint"] = labels, digest[:16]
    payload["groupLabels"] = payload["commonLabels"] = labels
    return payload


def just_now(back=0):
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=back)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def resolved(payload):
    """The same, resolved."""
    payload = copy.deepcopy(payload)
    payload["status"] = "resolved"
    for alert in payload["alerts"]:
        alert["status"], alert["endsAt"] = "resolved", just_now()
    return payload


class Webhook:
    """One upkeep's webhook; follows it to the port that it has after a restart."""

    def __init__(self, upkeep):
        self.upkeep = upkeep

    def post(self, payload, token=None, timeout=20):
        """(status, text). A payload of bytes is sent as it is."""
        instance = self.upkeep.instance()
        token = token or self.upkeep.token()
        sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        address = urllib.parse.urlsplit(instance["control_url"])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        try:
            connection.request("POST", PATH, sent, {"Authorization": f"Bearer {token}",
                                                    "Content-Type": "application/json",
                                                    "User-Agent": "Alertmanager/0.25.0"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
