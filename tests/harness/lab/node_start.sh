#!/bin/busybox sh
# PID 1 of a lab node once its root is there: devices, what survives power cuts, services, agent.
# Power-on order is a real node's: storage, libvirtd, then upkeep; nobody brings up DRBD.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
words=$(cat /proc/cmdline)
mkdir -p /dev/pts /dev/shm /dev/mapper
mount -t devpts pts /dev/pts
mount -t tmpfs memory /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup
echo "127.0.0.1 localhost" >/etc/hosts

# The disk that survives.
mkdir -p /persist /var/lib/upkeep /etc/libvirt/qemu /var/cache/libvirt /var/lib/drbd
mount -t ext4 /dev/vdb /persist
for name in var/lib/upkeep etc/libvirt/qemu var/cache/libvirt var/lib/drbd; do
  mkdir -p "/persist/$name"
  mount --bind "/persist/$name" "/$name"
done

# The backing devices b0, b1, …: slices of the other disk. lab-missing=3 leaves b3 away.
number=0
while [ "$number" -lt "$(cat /lab/slices)" ]; do
  case " $words " in
    *" lab-missing=$number "*) ;;
    *)
      size=$(cat /lab/slice_sectors)
      dmsetup create "b$number" --noudevsync --table "0 $size linear /dev/vda $((size * number))"
      dmsetup mknodes "b$number"
      ;;
  esac
  number=$((number + 1))
done
case " $words " in
  *" lab-no-module "*) rm "/usr/lib/modules/$(uname -r)/kernel/drivers/block/drbd/drbd.ko" ;;
esac
cp /lab/lab.res /etc/drbd.d/lab.res
cp /lab/qemu.conf /lab/libvirtd.conf /etc/libvirt/
/bin/busybox nc -ll -p 9 -e /usr/lib/lab-real/agent.sh &
[ -e /persist/enabled-libvirtd ] && sh /lab/start_libvirtd.sh
[ -e /persist/enabled-upkeep ] && sh /lab/start_upkeep.sh
while :; do
  wait
  sleep 1
done
