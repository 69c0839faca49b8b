"""Two nodes that replicate eight resources to each other with the real DRBD 8.4 of Debian's kernel.

r0 carries the guest web1, defined on both nodes; r1 to r7 carry nothing.
"""

import concurrent.futures
import hashlib
import pathlib
import shutil
import socket
import subprocess
import uuid

from harness.lab.image import HERE, Image
from harness.lab.node import PATIENCE, Node, free_ports
from harness.unpacked import run
from harness.waiting import wait_until

RESOURCES = 8
SLICE_MIB = 8
GUEST = "web1"
GUEST_UUID = uuid.uuid5(uuid.NAMESPACE_DNS, GUEST)

RESOURCE = """\
resource r{number} {{
  device /dev/drbd{number};
  disk /dev/mapper/b{number};
  meta-disk internal;
  net {{ protocol C; ping-int 3; ping-timeout 10; connect-int 3; timeout 30; }}
  disk {{ on-io-error detach; resync-rate 40M; }}
  on n1 {{ address 10.9.0.1:{port}; }}
  on n2 {{ address 10.9.0.2:{port}; }}
}}
"""

QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
dynamic_ownership = 0
remember_owner = 0
seccomp_sandbox = 0
stdio_handler = "file"
"""

LIBVIRTD_CONF = """\
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""

DOMAIN = f"""\
<domain type='qemu'>
  <name>{GUEST}</name>
  <uuid>{GUEST_UUID}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='none' error_policy='stop'/>
      <source dev='/dev/drbd0'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/run/{GUEST}.serial'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""

CONFIG = """\
mode = "act"
node = "{name}"
[http]
listen = "0.0.0.0:9893"
[journal]
path = "/var/lib/upkeep/upkeep.db"
[policy]
startup_grace = "20s"
[[peer]]
name = "{other}"
url = "http://10.9.0.{other_number}:9893"
"""


class Lab:
    """Both nodes; `repository` is whose build/release/upkeep runs in them."""

    def __init__(self, repository, folder):
        repository, self.folder = pathlib.Path(repository), pathlib.Path(folder)
        program = repository / "build/release/upkeep"
        assert program.exists(), f"{program} is not built: ./test lab builds it"
        self.image = Image(self.folder).build()
        shutil.copy(program, self.image.layer / "usr/bin/upkeep")
        wires = free_ports(socket.SOCK_DGRAM, 2)
        self.nodes = [Node(number, self.folder / f"n{number}", self.image,
                           (wires[number - 1], wires[2 - number])) for number in (1, 2)]
        self.n1, self.n2 = self.nodes
        self.ordered_by_a_person = []  # calls since the disks are new

    def __iter__(self):
        return iter(self.nodes)

    def crash(self):
        """Both nodes lose power at once."""
        for node in self:
            if node.is_on:
                node.process.kill()
        for node in self:
            node.crash()

    def power_on(self, *words):
        for node in self:
            node.power_on(*words)

    def wait_up(self):
        for node in self:
            node.wait_up()

    def on_both(self, act):
        """Does the same with both nodes at the same time."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(act, self))

    # New disks.

    def make_new(self):
        """Both nodes off, with the disks of a pair that was set up, synchronised and shut down."""
        self.crash()
        made = self._made_disks()
        self.ordered_by_a_person.clear()
        for node in self:
            for name in ("drbd-calls", "upkeep.log", "console", "qemu.log"):
                (node.folder / name).unlink(missing_ok=True)
            for name in ("data.img", "persist.img"):
                run("cp", "--sparse=always", made / f"{node.name}-{name}", node.folder / name)
            self.configure(node)
            self._write_files(node)

    def configure(self, node, policy="", more=""):
        """Writes the configuration of a node's upkeep; `policy` are more lines of [policy]."""
        other = 3 - node.number
        text = CONFIG.format(name=node.name, other=f"n{other}", other_number=other)
        text = text.replace("[[peer]]", policy + "\n[[peer]]") + more
        (node.folder / "upkeep.toml").write_text(text)

    def _write_files(self, node):
        files = {
            "lab.res": "".join(RESOURCE.format(number=number, port=7789 + number)
                               for number in range(RESOURCES)),
            "slices": f"{RESOURCES}\n", "slice_sectors": f"{SLICE_MIB * 2048}\n",
            "qemu.conf": QEMU_CONF,
            "libvirtd.conf": LIBVIRTD_CONF, "domain.xml": DOMAIN,
        }
        for name, text in files.items():
            (node.folder / name).write_text(text)
        for name in ("start_libvirtd.sh", "start_upkeep.sh"):
            shutil.copy(HERE / name, node.folder / name)

    def _made_disks(self):
        """The folder of the disks new pairs are copied from; they are made once."""
        text = "\0".join((self.image.packages, DOMAIN, RESOURCE, f"{RESOURCES} {SLICE_MIB}",
                          (HERE / "boot_counter.S").read_text()))
        made = self.folder / "made"
        stamp = made / "stamp"
        wanted = hashlib.sha256(text.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return made
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        for node in self:
            for name, size in (("data.img", RESOURCES * SLICE_MIB), ("persist.img", 64)):
                (node.folder / name).unlink(missing_ok=True)
                run("truncate", "-s", f"{size}M", node.folder / name)
            run("/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", node.folder / "persist.img")
            self._write_files(node)
        self._set_up_pair()
        for node in self:
            for name in ("data.img", "persist.img"):
                run("cp", "--sparse=always", node.folder / name, made / f"{node.name}-{name}")
        stamp.write_text(wanted)
        return made

    def _set_up_pair(self):
        """What an administrator does once."""
        self.power_on()
        self.wait_up()
        # libvirtd's first start takes its time: it asks QEMU what it can do, and remembers.
        self.on_both(lambda node: node.run(
            "sh /lab/start_libvirtd.sh; "
            "modprobe drbd && drbdadm create-md --force all && drbdadm up all"))
        wait_until("the new pair to be connected", lambda: self._all("Connected"), PATIENCE, 0.5)
        self.n1.run(f"for r in $(seq 0 {RESOURCES - 1}); do "
                    "drbdsetup new-current-uuid --clear-bitmap $r || exit 1; done")
        wait_until("the new pair to be UpToDate", self.in_sync, PATIENCE, 0.5)
        (self.n1.folder / "guest.img").write_bytes(boot_sector(self.folder))
        self.n1.run("drbdadm primary r0 && "
                    "dd if=/lab/guest.img of=/dev/drbd0 oflag=direct bs=512 && "
                    "drbdadm secondary r0")
        self.on_both(self._finish)
        self.crash()

    @staticmethod
    def _finish(node):
        wait_until("libvirtd to answer",
                   lambda: node.virsh("list", check=False).status == 0, PATIENCE, 0.5)
        node.virsh("define /lab/domain.xml")
        # As `systemctl enable` would. QEMU's capabilities are in /var/cache, as on any node.
        node.run("touch /persist/enabled-libvirtd /persist/enabled-upkeep; drbdadm down all; sync")

    # What DRBD's kernel says.

    def _all(self, state, disks=None):
        return all(
            len(devices) == RESOURCES and
            all(one[0] == state and disks in (None, one[2]) for one in devices.values())
            for devices in (node.proc_drbd() for node in self))

    def in_sync(self):
        """Is everything connected and UpToDate on both nodes?"""
        return self._all("Connected", "UpToDate/UpToDate")


def boot_sector(folder):
    """The guest: 512 bytes of program, and the counter's sector at 0."""
    program, image = folder / "counter.o", folder / "counter.bin"
    subprocess.run(["as", "--32", HERE / "boot_counter.S", "-o", program], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", program,
                    "-o", image], check=True)
    code = image.read_bytes()
    assert len(code) == 512, len(code)
    return code + bytes(512)
