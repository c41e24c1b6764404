import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { POLL_ROUTE } from '../../src/metadata/texts.ts';
import { callAgent } from '../support/agent.ts';
import { makeInstance } from '../support/instance.ts';

const KAMAILIO = '/usr/sbin/kamailio';

/** The body of the request_route that the metadata advises; the administrator's own lines stand for "...". */
function advisedBody(): string {
  const lines = POLL_ROUTE.split('\n');
  assert.is(lines[0], 'request_route {');
  assert.is(lines.at(-1), '}');
  assert.is(lines.filter((line) => line.trim() === '...').length, 1);
  return lines.slice(1, -1).join('\n').replace('...', 'sl_send_reply("403", "Everything else");');
}

test('the lines that the metadata advises are in the metadata', async () => {
  const text = (await callAgent('meta-data')).stdout.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  for (const line of POLL_ROUTE.split('\n')) assert.ok(text.includes(line), line);
});

(existsSync(KAMAILIO) ? test : test.skip)(
  'Kamailio accepts the lines that the metadata advises',
  async () => {
    const instance = await makeInstance({ route: advisedBody() });
    try {
      const check = spawnSync(KAMAILIO, ['-c', '-f', instance.conffile], { encoding: 'utf8' });
      assert.is(check.status, 0, check.stderr);
    } finally {
      await instance.dispose();
    }
  },
);

(existsSync(KAMAILIO) ? test : test.skip)('a Kamailio with these lines answers the poll', async () => {
  const instance = await makeInstance({ route: advisedBody() });
  try {
    const start = await callAgent('start', instance.params);
    assert.is(start.code, 0, start.stderr);
    assert.is((await callAgent('monitor', instance.params)).code, 0);
    const other = await callAgent('monitor', { ...instance.params, probe_user: 'other' });
    assert.is(other.code, 1);
    assert.match(other.reason, /403 Everything else/);
    assert.is((await callAgent('stop', instance.params)).code, 0);
  } finally {
    await instance.dispose();
  }
});

test.run();
