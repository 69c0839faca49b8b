"""One lab node: a QEMU with a real kernel, its wires, its disks, and the upkeep in it."""

import base64
import json
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness.lab.calls import Call
from harness.metrics import Metrics
from harness.waiting import wait_until

#: Twenty times what it takes on a quiet machine.
PATIENCE = 300.0


def free_ports(kind, count):
    """Ports that nobody listens on just now."""
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Done:
    """A finished command."""

    def __init__(self, status, output):
        self.status = status
        self.output = output


class Node:
    """n1 or n2. Its folder on this machine is /lab in the node, written through at once."""

    def __init__(self, number, folder, image, wires):
        self.number = number
        self.name = f"n{number}"
        self.folder = pathlib.Path(folder)
        self.process = None
        self._image = image
        self._wire, self._other_wire = wires
        self._agent, self._public = 0, 0
        self.powered_on = 0.0
        self.words = ""  # of the kernel's command line, at this power-on
        self.folder.mkdir(parents=True, exist_ok=True)

    # Power.

    def power_on(self, *words):
        """Starts the machine; `words` go on the kernel's command line (see node_start.sh)."""
        assert self.process is None, f"{self.name} is on already"
        self._agent, self._public = free_ports(socket.SOCK_STREAM, 2)
        self.words = " ".join(words)
        self.powered_on = time.monotonic()
        (self.folder / "monitor").unlink(missing_ok=True)
        with (self.folder / "qemu.log").open("ab") as log:
            self.process = subprocess.Popen(self._command_line(), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.folder)
        return self

    def _command_line(self):
        mac = f"52:54:00:09:00:0{self.number}"
        forward = (f"hostfwd=tcp:127.0.0.1:{self._agent}-:9,"
                   f"hostfwd=tcp:127.0.0.1:{self._public}-:9893")
        share = "security_model=none,readonly=on"
        return [
            "qemu-system-x86_64", "-M", "pc", "-accel", "tcg,thread=multi,tb-size=192",
            "-cpu", "max", "-m", "768", "-smp", "1", "-nodefaults", "-no-user-config",
            "-display", "none", "-kernel", self._image.kernel, "-initrd", self._image.initramfs,
            # A guest's TSC drifts by seconds a minute under emulation.
            "-append", f"console=ttyS0 quiet panic=-1 clocksource=acpi_pm node={self.number} "
                       + self.words,
            "-serial", "file:console", "-monitor", "unix:monitor,server=on,wait=off",
            "-drive", "if=none,id=data,file=data.img,format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=data",
            "-drive", "if=none,id=persist,file=persist.img,format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=persist",
            "-netdev", f"user,id=outside,restrict=on,{forward}",
            "-device", "virtio-net-pci,netdev=outside,romfile=",
            # Datagrams: neither side's death disturbs the other's QEMU.
            "-netdev", "dgram,id=replication,local.type=inet,local.host=127.0.0.1,"
                       f"local.port={self._wire},remote.type=inet,remote.host=127.0.0.1,"
                       f"remote.port={self._other_wire}",
            "-device", f"virtio-net-pci,netdev=replication,id=link,romfile=,mac={mac}",
            "-device", "virtio-rng-pci",
            "-fsdev", f"local,id=machine,path=/,multidevs=remap,{share}",
            "-device", "virtio-9p-pci,fsdev=machine,mount_tag=machine",
            "-fsdev", f"local,id=layer,path={self._image.layer},{share}",
            "-device", "virtio-9p-pci,fsdev=layer,mount_tag=layer",
            "-fsdev", f"local,id=lab,path={self.folder},security_model=none",
            "-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab",
        ]

    def wait_up(self):
        """Waits until the node takes commands."""
        wait_until(f"{self.name} to take commands", self._answers, timeout=PATIENCE, every=0.3)
        return self

    def boot(self, *words):
        return self.power_on(*words).wait_up()

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name}: QEMU ended:\n" +
                               (self.folder / "qemu.log").read_text(errors="replace"))
        return self.run("echo up", timeout=5, check=False).output == "up"

    def crash(self):
        """kill -9 of the machine: the power is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def is_on(self):
        return self.process is not None

    # Commands.

    def run(self, command, timeout=120, check=True):
        """Runs a bash command in the node."""
        try:
            with socket.create_connection(("127.0.0.1", self._agent), timeout=timeout) as agent:
                agent.sendall(base64.b64encode(command.encode()) + b"\n")
                answer = b""
                while chunk := agent.recv(65536):
                    answer += chunk
        except OSError as error:
            if check:
                raise AssertionError(f"{self.name}# {command}: {error}") from error
            return Done(None, "")
        text, mark, status = answer.decode(errors="replace").rpartition("\n=")
        done = Done(int(status), text.strip("\n")) if mark and status.isdigit() else Done(None, "")
        if check:
            assert done.status == 0, f"{self.name}# {command}: {done.status}: {done.output}"
        return done

    def monitor(self, command):
        """A command of QEMU's own monitor."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(30)
            monitor.connect(str(self.folder / "monitor"))
            text = b""
            while not text.endswith(b"(qemu) "):
                text += monitor.recv(4096)
            monitor.sendall(command.encode() + b"\n")
            text = b""
            while not text.endswith(b"(qemu) "):
                text += monitor.recv(4096)

    # The replication link.

    def cut_link(self):
        self.monitor("set_link link off")

    def mend_link(self):
        self.monitor("set_link link on")

    # The backing devices.

    def _replace_table(self, slice_name, table):
        self.run(f"dmsetup suspend --nolockfs --noflush {slice_name} && "
                 f"dmsetup reload {slice_name} --table {shlex.quote(table)} && "
                 f"dmsetup resume {slice_name}")

    def _disk_size(self, number):
        return int(self.run(f"dmsetup table b{number}").output.split()[1])

    def fail_disk(self, number):
        """Every I/O of the backing device fails from now on."""
        self._replace_table(f"b{number}", f"0 {self._disk_size(number)} error")

    def refuse_writes(self, number):
        """The backing device can be read, but every write fails from now on."""
        size = self._disk_size(number)
        self.run("modprobe dm-flakey")
        self._replace_table(f"b{number}",
                            f"0 {size} flakey /dev/vda {size * number} 0 1 1 error_writes")

    def mend_disk(self, number):
        size = self._disk_size(number)
        self._replace_table(f"b{number}", f"0 {size} linear /dev/vda {size * number}")

    # DRBD, as the kernel has it.

    def proc_drbd(self):
        """Minor → (connection, roles, disks), as in /proc/drbd; {} without the module."""
        text = self.run("cat /proc/drbd 2>/dev/null", check=False).output
        found = re.findall(r"^ *(\d+): cs:(\S+)(?: ro:(\S+) ds:(\S+))?", text, flags=re.M)
        return {int(minor): (state, roles, disks) for minor, state, roles, disks in found}

    def calls(self):
        """Every call of DRBD's tools in the node since it was made new, the oldest first."""
        log = self.folder / "drbd-calls"
        return [Call.parse(line) for line in log.read_text().splitlines()] if log.exists() else []

    # Its libvirtd and its guest.

    def virsh(self, words, check=True):
        return self.run(f"virsh -q -c qemu:///system {words}", check=check)

    # Its upkeep.

    def start_upkeep(self):
        self.run("sh /lab/start_upkeep.sh")
        self.wait_ready()

    def wait_ready(self):
        wait_until(f"upkeep on {self.name} to be ready",
                   lambda: self.get("/-/ready")[0] == 200, timeout=PATIENCE, every=0.3)

    def stop_upkeep(self):
        """SIGTERM, as systemd does, until it is gone."""
        self.run("read -r pid </run/upkeep.pid && kill $pid && "
                 "while [ -e /proc/$pid ]; do sleep 0.1; done")

    def get(self, path, timeout=20):
        """(status, body) of a page of the public port, from outside the node."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._public}{path}",
                                        timeout=timeout) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        status, body = self.get("/metrics")
        assert status == 200, body
        return Metrics(body)

    def status(self):
        status, body = self.get("/api/v1/status")
        assert status == 200, body
        return json.loads(body)

    def resource(self, name):
        """What status says of a resource; LookupError when nothing."""
        return {one["name"]: one for one in self.status()["drbd"]["resources"]}[name]

    def vm(self, name):
        return {one["name"]: one for one in self.status()["vms"] or ()}[name]

    def upkeep(self, words, check=True, timeout=120):
        """Runs the command line in the node."""
        return self.run(f"upkeep {words}", check=check, timeout=timeout)

    def why(self, target):
        return json.loads(self.upkeep(f"why {target} --json").output)

    def history(self):
        """Oldest first."""
        found = json.loads(self.upkeep("history --json --limit 1000").output)["entries"]
        return sorted(found, key=lambda entry: entry["at"])

    def log(self):
        path = self.folder / "upkeep.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def keep_logs(self, folder):
        """Copies what tells afterwards what went on, and the state as it is now."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("upkeep.log", "drbd-calls", "console", "libvirtd.log", "qemu.log"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, folder / f"{self.name}-{name}")
        if self.is_on:
            text = self.run("cat /proc/drbd; virsh list --all; dmesg | grep -i drbd | tail -n 60",
                            check=False, timeout=30).output
            (folder / f"{self.name}-state").write_text(text + "\n")
