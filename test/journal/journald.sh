# shellcheck shell=sh
# A systemd-journald of a test's own, in a mount namespace of its own: `unshare --mount sh journald.sh`. It hides the
# machine's /run/systemd, /run/log, /var/log and /dev, says "up" when processes of the namespace can log, and ends with
# its stdin.
set -eu
mkdir -p /run/systemd /run/log
for path in /run/systemd /run/log /var/log /mnt; do mount -t tmpfs -o mode=755 none "$path"; done
for device in null zero full random urandom tty; do cp -a "/dev/$device" /mnt/; done
ln -s /proc/self/fd /mnt/fd
mkdir /mnt/shm
mount --bind /dev/shm /mnt/shm
mount --move /mnt /dev
mkdir -p /run/systemd/journal /run/log/journal
# From systemd 256 on it ends without one, and a root that somebody has entered by chroot has none.
grep -q ' /sys/fs/cgroup ' /proc/mounts || mount -t cgroup2 none /sys/fs/cgroup
ln -s /run/systemd/journal/dev-log /dev/log
/lib/systemd/systemd-journald </dev/null >/dev/null 2>&1 &
journald=$!
until [ -S /run/systemd/journal/dev-log ]; do
  kill -0 "$journald"
  sleep 0.05
done
echo up
read -r _ || true
kill "$journald"
