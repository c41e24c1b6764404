# shellcheck shell=sh
# The first process of a node, in namespaces of its own within those of the bed, as
# `sh -c THIS ocf-kamailio-node NAME`. It makes the file systems that a machine has after a boot, says in
# /run/bed/NAME/init who it is, and then only reaps orphans. Its end is the node's death. What lies in /run,
# /tmp and /dev/shm dies with it; the rest of the root, and what the cluster has written, survives like a disk.
set -eu
name=$1
disk=/run/bed/$name

# /proc is still the machine's, and so is the pid in it.
read -r self </proc/self/stat

device() { mknod -m 666 "dev/$1" c "$2" "$3"; }

cd "$disk/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755,size=1m dev dev
device null 1 3
device zero 1 5
device full 1 7
device random 1 8
device urandom 1 9
device tty 5 0
mkdir dev/shm dev/pts dev/machine
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777,size=256m shm dev/shm
mount -t tmpfs -o mode=755,size=32m run run
mount -t tmpfs -o mode=1777,size=256m tmp tmp
for path in var/log var/lib/pacemaker var/lib/corosync etc/corosync; do
  # Newer packages leave some of these to systemd.
  mkdir -p "$path"
  mount --bind "$disk/$path" "$path"
done
mount --bind "$disk/node" usr/local/bin/node

pivot_root . dev/machine
cd /
umount -l /dev/machine
rmdir /dev/machine

hostname "$name"
ip link set lo up
# What systemd-tmpfiles makes at a boot of Debian, and, for the shell agent, by a line of the administrator's.
mkdir -m 1777 /run/lock
install -d -o kamailio -g kamailio /run/kamailio /run/kamailio-cluster

# crm_resource of Pacemaker 3.0.3 aborts on a node without a system bus.
if [ -x /usr/bin/dbus-daemon ] && pacemakerd --version | grep -q '^Pacemaker 3'; then
  mkdir /run/dbus
  dbus-daemon --system --fork --nopidfile
fi

# The disk is out of reach by its path now; the bed has left a door open to it.
echo "$self" >&3
exec 3>&-

sleep infinity &
wait $!
