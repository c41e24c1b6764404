import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from './support/agent.ts';
import { makeInstance } from './support/instance.ts';

test('an instance starts once, is healthy, and stops without a trace', async () => {
  const instance = await makeInstance();
  try {
    assert.is((await callAgent('start', instance.params)).code, 0);
    const pid = instance.mainPid();
    assert.is((await callAgent('monitor', instance.params)).code, 0);
    assert.is((await callAgent('start', instance.params)).code, 0);
    assert.is(instance.mainPid(), pid);
    assert.is((await callAgent('stop', instance.params)).code, 0);
    assert.equal(instance.pids(), []);
    assert.is((await callAgent('stop', instance.params)).code, 0);
    assert.is((await callAgent('monitor', instance.params)).code, 7);
  } finally {
    await instance.dispose();
  }
});

test.run();
