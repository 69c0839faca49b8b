"""What many tests do, and look for."""

from harness.waiting import stays_so, wait_until

# Longer than it takes to see a stop twice and act on it.
LONG_ENOUGH_TO_ACT = 3.0

DISK = """\
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='writeback'/>
      <source file='{source}'{policy}/>
      <target dev='{target}' bus='{bus}'/>
      <boot order='2'/>
    </disk>
"""

CHECK = '[[vm]]\nmatch = "{name}"\nhealth = "{health}"\nboot_timeout = "{boot_timeout}"\n'


def health_check(name, health, boot_timeout="5m"):
    """Configuration: what tells that the VM has booted."""
    return CHECK.format(name=name, health=health, boot_timeout=boot_timeout)


def booted(libvirtd, *names, **definition):
    """Guests that run."""
    for name in names:
        libvirtd.define(name, **definition)
        libvirtd.virsh("start", name)
    for name in names:
        libvirtd.wait_booted(name)
    return names


def disk(source, target="vdb", bus="virtio", policy=""):
    """The XML of a disk beside the one that a guest boots from."""
    return DISK.format(source=source, target=target, bus=bus, policy=policy)


def sparse_image(filesystem):
    """A disk of a MiB that takes no room yet."""
    image = filesystem / "data.img"
    with image.open("wb") as sparse:
        sparse.truncate(1024 * 1024)
    return image


def fill(filesystem):
    """Leaves not a byte of room."""
    with (filesystem / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass


def seen_running(upkeep, *names):
    """Waits until upkeep knows that the guests run and are wanted."""
    def known():
        metrics = upkeep.metrics()
        return all(metrics.get("upkeep_vm_up", vm=name) == 1 and
                   metrics.get("upkeep_vm_wanted", vm=name) == 1 for name in names)
    wait_until(f"upkeep to see {', '.join(names)} run", known)


def power_cut(libvirtd, upkeep, node):
    """The node is off and on again; libvirtd runs, upkeep does not yet."""
    upkeep.kill()
    libvirtd.power_cut()
    node.boot()
    libvirtd.start()


def runs_again(libvirtd, name, old_pid):
    """Waits for another process of the guest; returns its number."""
    def other():
        pid = libvirtd.qemu_pid(name)
        return pid if pid not in (None, old_pid) else None
    return wait_until(f"{name} to run again", other)


def actions(upkeep):
    """How many actions upkeep has begun since it started."""
    return upkeep.metrics().sum("upkeep_remediation_actions_total")


def stays_off(libvirtd, upkeep, *names):
    """The guests stay off, and upkeep begins no action."""
    before = actions(upkeep)
    stays_so(f"{', '.join(names)} off",
             lambda: not any(libvirtd.qemu_pid(name) for name in names), LONG_ENOUGH_TO_ACT)
    assert actions(upkeep) == before


def state_of(upkeep, name):
    """The state /metrics shows of a VM; exactly one."""
    states = upkeep.metrics().states("upkeep_vm_state", "state", vm=name)
    assert len(states) == 1, states
    return states[0]
