# Starts libvirtd in a lab node, which has no systemd; its guests' QEMUs outlive it.
# libvirt insists on these, also where qemu.conf names others; libvirt-daemon-system would make them.
grep -q '^libvirt-qemu:' /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false' >>/etc/passwd
for group in libvirt-qemu:64055 kvm:64056; do
  grep -q "^${group%:*}:" /etc/group || echo "${group%:*}:x:${group#*:}:" >>/etc/group
done
mkdir -p /run/libvirt /var/lib/libvirt/qemu /var/log/libvirt/qemu
setsid /usr/sbin/libvirtd -d </dev/null >/lab/libvirtd.log 2>&1
