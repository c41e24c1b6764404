import type { Testbed } from './testbed.ts';

const JOURNALD = '/lib/systemd/systemd-journald';

/** What systemd makes before it starts its journal. Without control groups it does not start. */
const PLACES = `mkdir -p /run/systemd/journal /run/log/journal
test -s /etc/machine-id || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
ln -sfn /run/systemd/journal/dev-log /dev/log
exec ${JOURNALD}`;

/** Runs `body` while each node has a real systemd-journald, to which its processes log by syslog(3). */
export async function withJournals(testbed: Testbed, body: () => Promise<void>): Promise<void> {
  const journals = testbed.nodes.map((node) => ({ node, program: node.start(['sh', '-ec', PLACES]) }));
  try {
    for (const { node } of journals) {
      const opened = ['sh', '-c', 'test -e /run/log/journal/*/system.journal'];
      await testbed.waitFor(async () => (await node.run(opened)).code === 0, `${node.name} has a journal`);
    }
    await body();
  } finally {
    for (const { node, program } of journals) {
      await program.stop();
      await node.run(['umount', '/sys/fs/cgroup']);
      await node.run(['rm', '-rf', '/dev/log', '/run/systemd/journal', '/run/log/journal']);
    }
  }
}
