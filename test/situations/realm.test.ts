import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { agentWithMounts, canMount } from '../support/mounts.ts';
import { account } from '../support/ordinary-user.ts';
import { processesNaming } from '../support/processes.ts';

const { uid, gid } = account('kamailio');

/** An agent on a node that has other files at some paths: `replaced` gives the text of each. */
function agentWith(directory: string, replaced: Readonly<Record<string, string>>): string {
  const mounts = Object.entries(replaced).map(([path, text], index) => {
    const file = join(directory, `replaced-${index}`);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return `mount --bind "${file}" "${path}"`;
  });
  return agentWithMounts(directory, mounts.join(' && '));
}

function realmTest(title: string, body: () => Promise<void>): void {
  if (canMount) return void test(title, body);
  console.log(`skipped: ${title}: no mount namespace can be made`);
  test.skip(title);
}

for (const kamuser of ['sip@example.org', 'DOMAIN\\sip']) {
  realmTest(`Kamailio runs as ${kamuser}, an account as a directory names it`, () =>
    withInstance({ uid, gid, params: { kamuser } }, async (instance) => {
      const passwd = `${readFileSync('/etc/passwd', 'utf8')}${kamuser}:x:${uid}:${gid}::/:/bin/false\n`;
      const agent = agentWith(instance.directory, { '/etc/passwd': passwd });
      chownSync(dirname(instance.pidfile), uid, gid);
      assertCall(await call(instance, 'start', {}, { agent }), 0);
      const [words = []] = [...processesNaming(instance.pidfile).values()];
      assert.is(words[words.indexOf('-u') + 1], kamuser);
      const status = readFileSync(`/proc/${instance.mainPid()}/status`, 'utf8');
      assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}`, 'm'));
      assertCall(await call(instance, 'monitor', {}, { agent }), 0);
      assertCall(await call(instance, 'stop', {}, { agent }), 0);
      assert.equal(instance.pids(), []);
    }),
  );
}

// sssd and winbind may do so; a real directory server is too much for a test.
realmTest('an account is known also where the directory answers with another form of its name', () =>
  withInstance({ uid, gid, params: { kamuser: 'DOMAIN\\sip' } }, async (instance) => {
    const getent = `#!/bin/sh\n[ "$2" = 'DOMAIN\\sip' ] && echo 'sip@example.org:*:${uid}:${gid}::/:/bin/false'\n`;
    const agent = agentWith(instance.directory, { '/usr/bin/getent': getent });
    assertCall(await call(instance, 'reload-agent', {}, { agent }), 0);
    const { stderr } = await call(instance, 'reload-agent', {}, { agent });
    assert.is(stderr, '');
    const stranger = await call(instance, 'validate-all', { kamuser: 'OTHER\\sip' }, { agent });
    assertCall(stranger, 2, /the account "OTHER\\sip" \(kamuser\) is not known/);
  }),
);

test.run();
