"""Runs libvirtd in a mount namespace of its own and reaps whatever it leaves behind.

    supervisor.py ROOT     (root; commands come on stdin, answers go to stdout)

libvirtd has its directories compiled in, so ROOT's are mounted over /etc/libvirt, /run/libvirt and
/var/{lib,log,cache}/libvirt, which nobody outside the namespace sees. libvirtd waits until a killed
QEMU has left the process table: as its children's subreaper this process sees to that at once, also
where PID 1 reaps late or never (containers).

Commands, a line each, and their answers:
    start         "started PID"
    wait          "ended" once libvirtd has ended
    kill-guests   "killed N": SIGKILL to all that libvirtd started
When stdin ends, everything that was started here is killed: nothing outlives the tests.
"""

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MOUNTS = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def enter_namespace(root):
    check(libc.unshare(CLONE_NEWNS), "unshare (root is needed)")
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    for name, target in MOUNTS.items():
        source = os.path.join(root, name)
        os.makedirs(source, exist_ok=True)
        os.makedirs(target, exist_ok=True)
        bind(source, target)
    # libvirtd doesn't start without Debian's libvirt-qemu account, which comes with a package that
    # would also start a libvirtd of the machine's own.
    for database, line in (("passwd", "libvirt-qemu:x:64055:64055::/nonexistent:/bin/false\n"),
                           ("group", "libvirt-qemu:x:64055:\n")):
        source, target = os.path.join(root, database), os.path.join("/etc", database)
        with open(target) as accounts, open(source, "w") as extended:
            extended.write(accounts.read() + line)
        bind(source, target)


def bind(source, target):
    check(libc.mount(source.encode(), target.encode(), None, MS_BIND, None), f"mount {target}")


def kill(pid, how):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass  # it has gone in the meantime


def children():
    """Those of this process: libvirtd, and the QEMUs that libvirtd let go of."""
    with open(f"/proc/self/task/{os.getpid()}/children") as listing:
        return [int(pid) for pid in listing.read().split()]


class Supervisor:
    def __init__(self, root):
        self.root = root
        self.libvirtd = None  # a pidfd: readable once the process has ended

    def start(self):
        log = os.open(os.path.join(self.root, "log", "libvirtd.out"),
                      os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        pid = os.fork()
        if pid == 0:
            for back_to_normal in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(back_to_normal, signal.SIG_DFL)
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.execv("/usr/sbin/libvirtd", [
                "libvirtd", "-f", os.path.join(self.root, "etc", "libvirtd.conf"),
                "-p", os.path.join(self.root, "run", "libvirtd.pid")])
        os.close(log)
        self.libvirtd = os.pidfd_open(pid)
        self.pid = pid
        return f"started {pid}"

    def ended(self):
        os.close(self.libvirtd)
        self.libvirtd = None

    def kill_guests(self):
        victims = [pid for pid in children() if self.libvirtd is None or pid != self.pid]
        for pid in victims:
            kill(pid, signal.SIGKILL)
        return f"killed {len(victims)}"

    def end(self):
        """Kills until nothing is left: a dying libvirtd hands its children over to us."""
        while pids := children():
            for pid in pids:
                kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def say(answer):
    print(answer, flush=True)


def main():
    root = os.path.abspath(sys.argv[1])
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become subreaper")
    enter_namespace(root)
    # The kernel then reaps by itself, sooner than any program could: libvirtd looks right away
    # whether a dead QEMU is gone, and only 200 ms later again.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # whoever started us closes stdin instead

    supervisor = Supervisor(root)
    waiting = False
    while True:
        watched = [0] if supervisor.libvirtd is None else [0, supervisor.libvirtd]
        ready, _, _ = select.select(watched, [], [])
        if supervisor.libvirtd in ready:
            supervisor.ended()
        if waiting and supervisor.libvirtd is None:
            waiting = False
            say("ended")
        if 0 not in ready:
            continue
        commands = os.read(0, 4096).decode().split()
        if not commands:
            supervisor.end()
            return
        for command in commands:
            if command == "start":
                say(supervisor.start())
            elif command == "wait":
                waiting = supervisor.libvirtd is not None
                if not waiting:
                    say("ended")
            elif command == "kill-guests":
                say(supervisor.kill_guests())


if __name__ == "__main__":
    main()
