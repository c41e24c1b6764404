import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { readControlSettings } from '../../src/kamctl/kamctlrc.ts';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { findAccount } from '../../src/process/account.ts';
import { readStatus } from '../../src/process/procfs.ts';
import { callAgent } from '../support/agent.ts';
import { within } from '../support/deadline.ts';
import { makeInstance } from '../support/instance.ts';

function uptimeOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'uptime' in result ? result.uptime : undefined;
}

test('Kamailio tells its up-time over its FIFO, as root and as an account of its own', async () => {
  const account = findAccount('kamailio');
  for (const user of ['', ...(account ? ['kamailio'] : [])]) {
    const instance = await makeInstance({
      params: { kamuser: user, kamgroup: user },
      ...(user && account && { uid: account.uid, gid: account.gid }),
    });
    try {
      const start = await callAgent('start', instance.params);
      assert.is(start.code, 0, start.stderr);
      const owner = readStatus(instance.mainPid());
      assert.is(owner?.uid, user ? account?.uid : 0);
      const settings = readControlSettings(instance.kamctlrc, instance.pidfile);
      assert.is(settings.fifo, instance.fifo);
      const result = await callRpc(settings, owner ?? { uid: 0, gid: 0 }, 'core.uptime', [], within(15_000));
      assert.type(uptimeOf(result), 'number');
    } finally {
      await instance.dispose();
    }
  }
});

test("Kamailio's answer to a method that it does not have is shown", async () => {
  const instance = await makeInstance();
  try {
    assert.is((await callAgent('start', instance.params)).code, 0);
    await callRpc(
      readControlSettings(instance.kamctlrc, instance.pidfile),
      { uid: 0, gid: 0 },
      'no.such',
      ['x'],
      within(15_000),
    );
    assert.unreachable();
  } catch (error) {
    assert.instance(error, Failure, String(error));
    assert.match(String(error), /no\.such over .* was answered with an error: .*[Nn]ot [Ff]ound/);
  } finally {
    await instance.dispose();
  }
});

test.run();
