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


def children():
    """Those of this process: libvirtd, and the QEMUs that libvirtd let go of."""
    with open(f"/proc/self/task/{os.getpid()}/children") as listing:
        return [int(pid) for pid in listing.read().split()]


class Supervisor:
    def __init__(self, root):
        self.root = root
        self.libvirtd = None

    def reap(self):
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.libvirtd:
                self.libvirtd = None

    def start(self):
        log = os.open(os.path.join(self.root, "log", "libvirtd.out"),
                      os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            # One timeout for everything: a libvirtd without clients must not go away.
            os.execv("/usr/sbin/libvirtd", [
                "libvirtd", "-f", os.path.join(self.root, "etc", "libvirtd.conf"),
                "-p", os.path.join(self.root, "run", "libvirtd.pid")])
        os.close(log)
        self.libvirtd = pid
        return f"started {pid}"

    def kill_guests(self):
        victims = [pid for pid in children() if pid != self.libvirtd]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return f"killed {len(victims)}"

    def end(self):
        """Kills until nothing is left: a dying libvirtd hands its children over to us."""
        while pids := children():
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)
            self.reap()


def say(answer):
    print(answer, flush=True)


def main():
    root = os.path.abspath(sys.argv[1])
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become subreaper")
    enter_namespace(root)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # whoever started us closes stdin instead

    supervisor = Supervisor(root)
    waiting = False
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
            supervisor.reap()
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
