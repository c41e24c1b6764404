import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { withAttacker } from './attacker.ts';

/** The attacker is inside a SIP worker: it runs as the very account that Kamailio runs as. */
const NOBODY = account('nobody');
const ROUNDS = 100;

/** A directory of root's that nobody else may change, with a file in it, and what it looks like. */
function makeOutside(instance: TestInstance): { readonly path: string; look(): unknown } {
  const path = join(instance.directory, '../', `ocf-kamailio-outside-${process.pid}-${instance.port}`);
  mkdirSync(path, { mode: 0o755 });
  writeFileSync(join(path, 'secret'), 'precious\n', { mode: 0o600 });
  mkdirSync(join(path, 'inst'), { mode: 0o755 });
  writeFileSync(join(path, 'inst/kamailio.pid'), 'precious\n', { mode: 0o600 });
  const entry = (name: string) => {
    const { uid, gid, mode, nlink } = lstatSync(join(path, name));
    return { name, uid, gid, mode, nlink };
  };
  const look = () => [
    entry('.'),
    ...readdirSync(path, { recursive: true, encoding: 'utf8' }).sort().map(entry),
    readFileSync(join(path, 'secret'), 'utf8'),
    readFileSync(join(path, 'inst/kamailio.pid'), 'utf8'),
  ];
  return { path, look };
}

/** Runs `body` with an instance in a directory of the attacker's; nothing outside may have changed afterwards. */
async function withNothingChanged(
  params: Readonly<Record<string, string>>,
  body: (instance: TestInstance, outside: string) => Promise<void>,
): Promise<void> {
  await withInstance({ ...NOBODY, params: { kamuser: 'nobody', ...params } }, async (instance) => {
    const outside = makeOutside(instance);
    try {
      const before = outside.look();
      await body(instance, outside.path);
      assert.equal(outside.look(), before);
    } finally {
      rmSync(outside.path, { recursive: true, force: true });
    }
  });
}

test("a link that a worker plants in the pidfile's place has root create nothing", () =>
  withNothingChanged({}, async (instance, outside) => {
    const target = join(outside, 'ld.so.preload');
    // A start removes what was planted before. What is planted after that, Kamailio opens.
    const plant = `
      setInterval(() => attempt(() => fs.symlinkSync(${JSON.stringify(target)}, ${JSON.stringify(instance.pidfile)})), 0);
      ready();`;
    await withAttacker(instance, plant, async () => {
      for (let round = 0; round < 3; round += 1) {
        const started = await call(instance, 'start', {}, { env: { OCF_RESKEY_CRM_meta_timeout: '8000' } });
        assert.is.not(started.code, 0, started.stderr);
        assertCall(await call(instance, 'stop'), 0);
      }
    });
  }));

test("with kamuser no process of Kamailio is root's, and its files are kamuser's", () =>
  withInstance({ ...NOBODY, params: { kamuser: 'nobody' } }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const pid of instance.pids()) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const ids = /^Uid:\t(.*)$/m.exec(status)?.[1]?.split('\t');
      assert.equal(ids, Array(4).fill(String(NOBODY.uid)), `pid ${pid}`);
    }
    for (const path of [instance.pidfile, instance.fifo]) assert.is(lstatSync(path).uid, NOBODY.uid, path);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('what Kamailio cannot do without root is named in the reason of the failed start', () =>
  withInstance({ ...NOBODY, params: { kamuser: 'nobody', port: '603' } }, async (instance) => {
    const remedy = /Permission denied.*; Kamailio runs as nobody, without root: give it a port from 1024 on/;
    assertCall(await call(instance, 'start'), 1, remedy);
    chmodSync(instance.conffile, 0o600);
    chownSync(instance.conffile, 0, 0);
    for (const action of ['validate-all', 'start'])
      assertCall(await call(instance, action), 2, /Permission denied.*` as nobody shows all/);
    assert.equal(instance.pids(), []);
  }));

test('a directory for the pidfile that kamuser may not write to is refused before anything is launched', () =>
  withInstance({ params: { kamuser: 'nobody' } }, async (instance) => {
    for (const action of ['validate-all', 'start'])
      assertCall(
        await call(instance, action),
        4,
        /^nobody may not write the pidfile into .*; `chown nobody /,
      );
    assert.equal(instance.pids(), []);
  }));

/**
 * Exchanges `state/inst` and `state/fifo`, the directories that the agent makes, with links to root's files and
 * directories, again and again, at moments that no call can foresee.
 */
function exchangeEverything(state: string, outside: string): string {
  return `
    const state = ${JSON.stringify(state)};
    const targets = ['', '/secret', '/inst'].map((name) => ${JSON.stringify(outside)} + name);
    const any = (list) => list[Math.floor(Math.random() * list.length)];
    const strike = () => {
      for (const name of ['inst', 'fifo']) {
        const path = state + '/' + name;
        attempt(() => fs.renameSync(path, path + '.aside' + Math.random()));
        attempt(() => fs.symlinkSync(any(targets), path));
      }
      // The agent must get a chance to make them anew.
      setTimeout(() => {
        for (const name of ['inst', 'fifo'])
          attempt(() => fs.lstatSync(state + '/' + name).isSymbolicLink() && fs.unlinkSync(state + '/' + name));
        setTimeout(strike, any([0, 1, 2, 5, 10, 20, 40, 80]));
      }, any([1, 5, 20]));
    };
    strike();
    ready();`;
}

for (const [what, parent] of [
  ["kamuser's own directory", { ...NOBODY, mode: 0o755 }],
  ["a directory that kamuser's group may write to", { uid: 0, gid: NOBODY.gid, mode: 0o775 }],
] as const) {
  test(`${ROUNDS} starts, monitors and stops in ${what}, whose entries an attacker exchanges meanwhile, change nothing outside`, () =>
    withNothingChanged({}, async (instance, outside) => {
      const state = join(instance.directory, 'state');
      mkdirSync(state);
      chownSync(state, parent.uid, parent.gid);
      chmodSync(state, parent.mode);
      writeFileSync(instance.kamctlrc, `RPCFIFOPATH="${state}/fifo/rpc.fifo"\n`);
      const params = { pidfile: join(state, 'inst/kamailio.pid') };
      const env = { OCF_RESKEY_CRM_meta_timeout: '500' };
      const codes = new Set<number | null>();
      await withAttacker(instance, exchangeEverything(state, outside), async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          codes.add((await call(instance, 'start', params, { env })).code);
          await call(instance, 'monitor', params, { env });
          await call(instance, 'stop', params);
        }
      });
      assert.ok(codes.has(4), `no start has met a link: ${[...codes]}`);
      assertCall(await call(instance, 'stop', params), 0);
    }));
}

test.run();
