"""A DRBD 9 without a kernel: drbdsetup and drbdadm that play what a test writes.

Imported, it is the test's side (`DrbdTools`). Linked under the name of a tool, it is that tool. Both
share a directory: `stream` has every events2 line so far and is the only truth, `answers` what an
order does, `calls` every call. While there is a `silence` nobody gets to see the stream.
"""

import json
import pathlib
import select
import sys
import time

DIRECTORY = pathlib.Path(sys.argv[0]).parent
SILENCE = DIRECTORY / "silence"


def identity(line):
    """What object a line is about: (object, name, peer-node-id, volume)."""
    _, kind, *pairs = line.split()
    keys = dict(pair.split(":", 1) for pair in pairs)
    return (kind, keys["name"], keys.get("peer-node-id"), keys.get("volume"))


def dump(lines):
    """The objects that are there after the lines, as a new stream would name them."""
    order = ("resource", "connection", "device", "peer-device", "path")
    objects = {}
    for line in lines:
        verb, kind = line.split()[:2]
        if kind not in order:
            continue
        key = identity(line)
        if verb == "destroy":
            # With a connection go its peer devices, with a resource everything.
            objects = {other: text for other, text in objects.items()
                       if not (other == key or other[1] == key[1] and
                               (kind == "resource" or kind == "connection" and other[2] == key[2]))}
        else:
            objects[key] = "exists " + line.split(" ", 1)[1]
    return sorted(objects.values(), key=lambda line: order.index(line.split()[1])) + ["exists -"]


class DrbdTools:
    """The test's side: a root with /proc/drbd, and the two tools."""

    def __init__(self, root, directory, resources=(), peers=("beta",)):
        self.root, self.directory = pathlib.Path(root), pathlib.Path(directory)
        self.directory.mkdir()
        for tool in ("drbdsetup", "drbdadm"):
            path = self.directory / tool
            path.write_text(f"#!{sys.executable}\n" + pathlib.Path(__file__).read_text())
            path.chmod(0o755)
        for name in ("stream", "calls"):
            (self.directory / name).touch()
        self.answers = {"drbdadm sh-resources": {"out": "\n".join(resources) + "\n"},
                        "drbdadm dump-xml": {"out": self._config(resources)},
                        "drbdadm --version": {"out": "DRBDADM_VERSION=9.22.0\n"}}
        self._write_answers()
        # The kernel log is this DRBD's own.
        (self.root / "dev").unlink()
        (self.root / "dev").mkdir()
        (self.root / "dev/kmsg").touch()
        self._logged = 0
        (self.root / "proc/drbd").write_text(
            "version: 9.2.18 (api:2/proto:118-123)\nTransports (api:21):\n")

    @staticmethod
    def _config(resources):
        return "<config>" + "".join(f'<resource name="{name}" conf-file-line="/etc/drbd.d/{name}.res:1"/>'
                                    for name in resources) + "</config>"

    @property
    def config(self):
        """The [drbd] table of an upkeep that uses these tools."""
        return (f'enabled = "on"\ndrbdadm = "{self.directory / "drbdadm"}"\n'
                f'drbdsetup = "{self.directory / "drbdsetup"}"\n')

    def tell(self, *lines):
        """What DRBD prints next."""
        with (self.directory / "stream").open("a") as stream:
            stream.write("".join(line + "\n" for line in lines))

    def fall_silent(self):
        """drbdsetup events2 fails, also the one that runs."""
        (self.directory / "silence").touch()

    def speak(self):
        (self.directory / "silence").unlink()

    def log(self, *messages):
        """What the kernel logs next."""
        with (self.root / "dev/kmsg").open("a") as log:
            stamp = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            for message in messages:
                log.write(f"6,{self._logged},{stamp},-;{message}\n")
                self._logged += 1

    def answer(self, call, rc=0, out="", err="", lines=()):
        """What a call returns, and what DRBD tells because of it."""
        self.answers[call] = {"rc": rc, "out": out, "err": err, "lines": list(lines)}
        self._write_answers()

    def _write_answers(self):
        new = self.directory / "answers.new"
        new.write_text(json.dumps(self.answers))
        new.rename(self.directory / "answers")

    def calls(self):
        return (self.directory / "calls").read_text().splitlines()

    def orders(self):
        """The calls that may have changed something."""
        reads = ("drbdsetup events2", "drbdsetup get-gi", "drbdadm sh-", "drbdadm dump-xml",
                 "drbdadm --version", "drbdadm -d ")
        return [call for call in self.calls() if not call.startswith(reads)]


def play():
    """drbdsetup events2 --full --poll: the objects, then what comes; ends when its input does."""
    with (DIRECTORY / "stream").open() as stream:
        print("\n".join(dump(stream.read().splitlines())), flush=True)
        rest = ""
        while not SILENCE.exists():
            rest += stream.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                print(line, flush=True)
            if select.select([sys.stdin], [], [], 0.01)[0] and not sys.stdin.buffer.raw.read(4096):
                return 0
    return refuse()


def refuse():
    print("Could not connect to 'drbd' generic netlink family", file=sys.stderr)
    return 20


def main():
    tool, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
    call = " ".join([tool, *arguments])
    with (DIRECTORY / "calls").open("a") as calls:
        calls.write(call + "\n")
    if arguments[:1] == ["events2"]:
        if SILENCE.exists():
            return refuse()
        if "--now" not in arguments:
            return play()
        print("\n".join(dump((DIRECTORY / "stream").read_text().splitlines())))
        return 0
    answer = json.loads((DIRECTORY / "answers").read_text()).get(call)
    if answer is None:
        print(f"{call}: not in the script", file=sys.stderr)
        return 10
    sys.stdout.write(answer.get("out", ""))
    sys.stderr.write(answer.get("err", ""))
    with (DIRECTORY / "stream").open("a") as stream:
        stream.write("".join(line + "\n" for line in answer.get("lines", ())))
    return answer.get("rc", 0)


if __name__ == "__main__":
    sys.exit(main())
