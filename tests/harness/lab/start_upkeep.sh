# Starts upkeep in a lab node, once libvirtd listens (as its unit's After= has it). Its log goes to
# this machine at once.
unset LAB_CALLER
tries=0
while [ ! -S /run/libvirt/libvirt-sock ] && [ "$tries" -lt 600 ]; do
  sleep 0.2
  tries=$((tries + 1))
done
setsid upkeep run --config /lab/upkeep.toml </dev/null >>/lab/upkeep.log 2>&1 &
echo $! >/run/upkeep.pid
