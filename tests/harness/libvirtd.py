"""A private libvirtd with real QEMU guests: its own directories, sockets and guests."""

import os
import pathlib
import signal
import subprocess
import sys
import uuid
import xml.sax.saxutils

from harness.waiting import wait_until

HERE = pathlib.Path(__file__).resolve().parent

# A network whose other end is on the host: libvirt has figures of no other.
TAP = "    <interface type='ethernet'><model type='virtio'/></interface>\n"
HAS_TAP = os.access("/dev/net/tun", os.W_OK)

QEMU = "/usr/bin/qemu-system-x86_64"

QEMU_CONF = """\
stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
"""

LIBVIRTD_CONF = """\
unix_sock_dir = "{root}/run"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "{host_uuid}"
log_outputs = "3:file:{root}/log/libvirtd.log"
"""

DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>{boot}</os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>{on_crash}</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='{disk_format}' cache='none'/>
      <source file={disk}/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path={serial}/></serial>
    <memballoon model='none'/>
    <panic model='isa'/>
{devices}  </devices>
</domain>
"""


def build_guest(directory):
    """Assembles the guest and returns the bytes of its disk: 1 MiB, as SeaBIOS wants a geometry."""
    program, image = directory / "guest.o", directory / "guest.bin"
    subprocess.run(["as", "--32", HERE / "guest.S", "-o", program], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary",
                    program, "-o", image], check=True)
    boot_sector = image.read_bytes()
    assert len(boot_sector) == 512, len(boot_sector)
    return boot_sector + bytes(1024 * 1024 - 512)


class Libvirtd:
    """The daemon. Starts and stops as often as a test likes; its guests live on, as they should."""

    def __init__(self, root, cache=None):
        self.root = pathlib.Path(root).resolve()
        self.pid = None
        self._guests = {}
        for name in ("etc", "run", "lib", "log", "images"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        # Asking QEMU what it can do takes seconds; the answer is kept for the next time.
        if cache is not None and not (self.root / "cache").exists():
            cache.mkdir(parents=True, exist_ok=True)
            (self.root / "cache").symlink_to(cache.resolve())
        (self.root / "etc" / "qemu.conf").write_text(QEMU_CONF)
        (self.root / "etc" / "libvirtd.conf").write_text(
            LIBVIRTD_CONF.format(root=self.root, host_uuid=uuid.uuid4()))
        self._disk = build_guest(self.root)
        self._supervisor = subprocess.Popen(
            [sys.executable, HERE / "supervisor.py", self.root], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

    @property
    def uri(self):
        return f"qemu:///system?socket={self.root}/run/libvirt-sock"

    # The daemon itself.

    def _command(self, word):
        self._supervisor.stdin.write(word + "\n")
        self._supervisor.stdin.flush()
        answer = self._supervisor.stdout.readline().split()
        assert answer, f"the supervisor of {self.root} is gone"
        return answer

    def start(self):
        assert self.pid is None
        self.pid = int(self._command("start")[1])
        wait_until("libvirtd to answer", self._answers, every=0.1)
        return self

    def _answers(self):
        if not pathlib.Path(f"/proc/{self.pid}").exists():
            raise RuntimeError("libvirtd ended:\n" + (self.root / "log/libvirtd.log").read_text())
        return self.virsh("list", check=False).returncode == 0

    def stop(self, how=signal.SIGTERM):
        """Stops libvirtd and waits until it is gone; the guests stay."""
        if self.pid is None:
            return
        self.thaw()
        os.kill(self.pid, how)
        assert self._command("wait") == ["ended"]
        self.pid = None

    def restart(self):
        self.stop()
        self.start()

    def has_crashed(self):
        """True when the daemon has ended by itself; it can then be started again."""
        if self.pid is None or pathlib.Path(f"/proc/{self.pid}").exists():
            return False
        assert self._command("wait") == ["ended"]
        self.pid = None
        return True

    def freeze(self):
        """Hangs libvirtd: it keeps its sockets and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def power_cut(self):
        """What a reboot without shutdown leaves: nothing runs, nothing of /run is left."""
        self.stop(signal.SIGKILL)
        self._command("kill-guests")
        wait_until("the guests to be gone", lambda: not self._alive())
        for path in sorted((self.root / "run").rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()

    def _alive(self):
        return [name for name in self._guests if self.qemu_pid(name) is not None]

    def close(self):
        """Ends the daemon and all its guests."""
        self._supervisor.stdin.close()
        self._supervisor.wait()
        self._supervisor.stdout.close()

    def virsh(self, *arguments, check=True, timeout=120):
        done = subprocess.run(
            ["/usr/bin/virsh", "-q", "-c", self.uri, *arguments], text=True, timeout=timeout,
            capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
        if check:
            assert done.returncode == 0, f"virsh {' '.join(arguments)}: {done.stderr}"
        return done

    # Its guests.

    def define(self, name, on_crash="destroy", disk_format="raw", uid=None, disk=None, devices="",
               memory=16, boot="", emulator=QEMU):
        """Makes a guest's disk and defines it; it is off. `devices` is more XML for <devices>,
        `boot` for <os>; `memory` is in MiB; `emulator` is run as QEMU."""
        guest_disk = disk or self.disk_of(name)
        if disk is None:
            guest_disk.write_bytes(self._disk)
        definition = self.root / "etc" / f"{name}.xml"
        quoted = xml.sax.saxutils.quoteattr
        definition.write_text(DOMAIN.format(
            name=name, uuid=uid or uuid.uuid4(), on_crash=on_crash, disk_format=disk_format,
            devices=devices, memory=memory, boot=boot, emulator=emulator,
            disk=quoted(str(guest_disk)), serial=quoted(str(self.serial_of(name)))))
        self.virsh("define", str(definition))
        self._guests[name] = definition
        return name

    def disk_of(self, name):
        return self.root / "images" / f"{name}.img"

    def serial_of(self, name):
        return self.root / "log" / f"{name}.serial"

    def boot(self, name):
        """Starts a guest and waits until it has booted, so that it hears keys and the button."""
        self.virsh("start", name)
        self.wait_booted(name)

    def wait_booted(self, name):
        wait_until(f"{name} to have booted",
                   lambda: "up" in self.serial_of(name).read_text(errors="replace"))

    def press(self, name, key):
        """Types a letter on the guest's keyboard; guest.S says what each does."""
        self.virsh("send-key", name, f"KEY_{key.upper()}")

    def state(self, name):
        """libvirt's words, e.g. ("shut off", "destroyed")."""
        text = self.virsh("domstate", "--reason", name).stdout.strip()
        state, _, reason = text.partition(" (")
        return state, reason.rstrip(")")

    def wait_state(self, name, state):
        return wait_until(f"{name} to be {state}", lambda: self.state(name)[0] == state)

    def qemu_pid(self, name):
        """The guest's process, from libvirt's own pid file; None when there is none."""
        try:
            pid = int((self.root / "run" / "qemu" / f"{name}.pid").read_text())
            # A pid file may be older than the process that has its number now.
            if name.encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except (OSError, ValueError):
            pass
        return None

    def crash(self, name):
        """kill -9 of the guest's QEMU, as the kernel does when memory runs out."""
        pid = self.qemu_pid(name)
        assert pid is not None, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def forget_all(self):
        """Destroys and undefines every guest: the next test starts with an empty libvirtd."""
        for name in self.virsh("list", "--all", "--name").stdout.split():
            self.virsh("destroy", name, check=False)
            self.virsh("undefine", name, "--managed-save", check=False)
            self.disk_of(name).unlink(missing_ok=True)
            self.serial_of(name).unlink(missing_ok=True)
        self._guests.clear()
