import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findAccount, findGroup } from '../../src/process/account.ts';

function id(...args: string[]): number {
  return Number(spawnSync('id', args, { encoding: 'utf8' }).stdout);
}

test('an account is found by name and by number, with its primary group', () => {
  for (const name of ['root', 'nobody', 'daemon']) {
    const home = spawnSync('getent', ['passwd', name], { encoding: 'utf8' }).stdout.split(':')[5];
    const account = { name, uid: id('-u', name), gid: id('-g', name), home };
    assert.equal(findAccount(name), account);
    assert.equal(findAccount(String(account.uid)), account);
  }
});

test('a group is found by name and by number', () => {
  const gid = id('-g', 'daemon');
  assert.is(findGroup('daemon'), gid);
  assert.is(findGroup(String(gid)), gid);
  assert.is(findGroup('root'), 0);
});

test('what the node does not know is undefined', () => {
  for (const name of ['no-such-account', '3999999999', 'x', 'roo', 'ROOT', '/root', 'passwd']) {
    assert.is(findAccount(name), undefined, name);
    assert.is(findGroup(name), undefined, name);
  }
});

test.run();
