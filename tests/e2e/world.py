"""Two nodes with real guests, each with its upkeep, and the monitoring that the examples describe."""

import contextlib
import dataclasses
import datetime
import random
import statistics
import time

from harness import examples
from harness.alertmanager_pair import AlertmanagerPair, People
from harness.daemon import Upkeep
from harness.libvirtd import HAS_TAP, TAP, Libvirtd
from harness.node import Node
from harness.prometheus import ConfiguredPrometheus, free_port
from harness.waiting import wait_until

TOKEN = "a-token-that-all-nodes-share"

# Many unrelated outages within minutes are this suite's trade; on a node they would be a storm.
CONFIG = """
storm_share = 1.0
actions_per_hour = 1000

[[vm]]
match = "*"
act_on = "alerts"

[[alert]]
alertname = "UpkeepVmOff"
match = {{ cluster = "main" }}
action = "restart_vm"
target_label = "vm"

[[alert]]
alertname = "UpkeepWatchdog"
action = "watchdog"

[[peer]]
name = "{peer}"
url = "http://127.0.0.1:{peer_port}"
"""

OTHER_GUESTS = ["mail1", "mail2"]


@dataclasses.dataclass(frozen=True)
class Outage:
    """When it happened to whom, in seconds since 1970."""

    guest: str
    died: float  # QEMU was killed
    fired: float  # the alert's startsAt
    begun: float  # the journal's begin of the start

    @property
    def from_fault(self):
        return self.begun - self.died

    @property
    def from_alert(self):
        return self.begun - self.fired


def told(outages):
    """Median and worst, for people."""
    def both(values):
        values = list(values)
        return f"median {statistics.median(values):.2f} s, worst {max(values):.2f} s"
    return (f"{len(outages)} outages: fault to action begun {both(o.from_fault for o in outages)}; "
            f"alert firing to action begun {both(o.from_alert for o in outages)}")


def seconds(moment):
    """Of Prometheus's and the journal's notation; Python knows no nanoseconds."""
    head, _, fraction = moment.removesuffix("Z").partition(".")
    whole = datetime.datetime.fromisoformat(head).replace(tzinfo=datetime.UTC).timestamp()
    return whole + float(f"0.{fraction or 0}")


class World:
    """Started by `with`; ends with it. `interval` None: what the examples and rules say. With
    `own_defaults` Alertmanager is told nothing of how long to wait."""

    def __init__(self, repository, programs, directory, guests, interval=None, peer_timeout="15s",
                 own_defaults=False):
        self.repository = repository
        self.programs = programs
        self.directory = directory
        self.interval = interval
        self.peer_timeout = peer_timeout
        self.own_defaults = own_defaults
        self.fresh = [f"web{number}" for number in range(1, guests + 1)]
        self.began = time.time()
        self._chance = random.Random()
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack):
        ports = {node: (free_port(), free_port()) for node in ("node1", "node2")}
        self.people = stack.enter_context(People())
        token = self.directory / "token"
        token.write_text(TOKEN)
        # First, for it takes longest: they get to know each other while the guests boot.
        self.alertmanagers = stack.enter_context(AlertmanagerPair(
            self.programs["alertmanager"], self.directory / "alertmanager", examples.alertmanager(
                {node: f"127.0.0.1:{control}" for node, (_, control) in ports.items()}, token,
                self.people.url, self.own_defaults), self.peer_timeout))
        self.libvirtd = self._libvirtd(stack, "libvirt1", self.fresh)
        self.other_libvirtd = self._libvirtd(stack, "libvirt2", OTHER_GUESTS)
        self.upkeep = self._upkeep(stack, "node1", "node2", ports, self.libvirtd)
        self.other_upkeep = self._upkeep(stack, "node2", "node1", ports, self.other_libvirtd)
        self._rules, self._options = self.repository / "alerts", []
        if self.interval:
            self._rules = examples.quick_rules(self.directory / "rules")
            # What fires before Prometheus has found its Alertmanagers, it tells them that much later.
            self._options = ["--rules.alert.resend-delay=3s"]
        self._targets = {node: f"127.0.0.1:{public}" for node, (public, _) in ports.items()}
        self._wanted = len(self.fresh) + len(OTHER_GUESTS)
        self.prometheus = stack.enter_context(self.replica("a"))
        self.alertmanagers.wait_settled()
        self.wait_informed(self.prometheus)

    def replica(self, name):
        """A Prometheus that sees and tells the same as any other of them, but for its name."""
        return ConfiguredPrometheus(
            self.programs["prometheus"], self.directory / f"prometheus-{name}", examples.prometheus(
                self._targets, [one.address for one in self.alertmanagers.both], self._rules,
                self.interval, name), *self._options)

    def wait_informed(self, prometheus):
        wait_until("Prometheus to know what is wanted", lambda: [
            float(one["value"][1]) for one in prometheus.query("sum(upkeep:vm_wanted:remembered)")
        ] == [self._wanted], every=0.2)

    def _libvirtd(self, stack, name, guests):
        libvirtd = Libvirtd(self.directory / name, self.repository / "build" / "libvirt-cache")
        stack.callback(libvirtd.close)
        libvirtd.start()
        for guest in guests:
            libvirtd.define(guest, devices=TAP if HAS_TAP and guest == "web1" else "")
            libvirtd.virsh("start", guest)
        for guest in guests:
            libvirtd.wait_booted(guest)
        return libvirtd

    def _upkeep(self, stack, node, peer, ports, libvirtd):
        directory = self.directory / node
        (directory / "state").mkdir(parents=True)
        # Found beside the journal, so none is made.
        token = directory / "state" / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN + "\n")
        upkeep = stack.enter_context(Upkeep(
            self.repository, directory, uri=libvirtd.uri, node=node, port=ports[node][0],
            control_port=ports[node][1], first_gap="1s",
            root=Node(directory / "root").root,  # one kernel has one boot id
            more=CONFIG.format(peer=peer, peer_port=ports[peer][0])))
        stack.callback(lambda: print(f"--- log of {node}\n{upkeep.log()}"))  # shown when it failed
        return upkeep

    def value(self, expr):
        """The only number that Prometheus answers; None when it has none."""
        found = self.prometheus.query(expr)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def outage(self, pause=False, patience=120):
        """Kills a guest that has not died yet, for with a second death back-off begins; waits until
        it has been started. With `pause` it dies at any moment between two looks."""
        guest = self.fresh.pop()
        if pause:
            time.sleep(self._chance.random() * (1 if self.interval else 15))
        died = time.time()
        dead = self.libvirtd.crash(guest)
        fired = wait_until(f"UpkeepVmOff for {guest}", lambda: self._fired(guest), patience)
        wait_until(f"{guest} to run again",
                   lambda: self.libvirtd.qemu_pid(guest) not in (None, dead), patience)
        [(begin, _)] = self.upkeep.starts(guest)
        assert begin["text"] == "start_vm begins: attempt 1, for vm_down shown by webhook"
        return Outage(guest, died, fired, seconds(begin["at"]))

    def _fired(self, guest):
        for alert in self.prometheus.get("alerts")["alerts"]:
            if {"alertname": "UpkeepVmOff", "vm": guest}.items() <= alert["labels"].items():
                return seconds(alert["activeAt"])
        return None
