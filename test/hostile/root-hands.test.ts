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
import { processesNaming, signalAll } from '../support/processes.ts';
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
      // On a busy machine the attacker may come too late: then the start succeeds.
      let hits = 0;
      for (let round = 0; round < 20 && hits < 3; round += 1) {
        const started = await call(instance, 'start', {}, { env: { OCF_RESKEY_CRM_meta_timeout: '2000' } });
        if (started.code !== 0) hits += 1;
        else assert.ok(lstatSync(instance.pidfile).isFile(), started.stderr);
        assertCall(await call(instance, 'stop'), 0);
      }
      assert.is(hits, 3, 'links were planted in time');
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

/** Two directories that the agent makes below two of another account's, with the pidfile in one and the FIFO in the other. */
interface Layout {
  readonly params: Readonly<Record<string, string>>;
  readonly directories: readonly string[];
}

/** Writes what an instance needs that has its pidfile below `home` and its FIFO below `other`. */
function makeLayout(instance: TestInstance, home: string, other: string): Layout {
  const directories = [join(home, 'inst'), join(other, 'fifo')];
  const fifo = join(other, 'fifo/rpc.fifo');
  const conffile = `${home}.cfg`;
  const kamctlrc = `${home}.kamctlrc`;
  writeFileSync(conffile, readFileSync(instance.conffile, 'utf8').replace(instance.fifo, fifo));
  writeFileSync(kamctlrc, `RPCFIFOPATH="${fifo}"\n`);
  return { params: { pidfile: join(home, 'inst/kamailio.pid'), conffile, kamctlrc }, directories };
}

/**
 * Exchanges directories and the files that are made in them with links to root's files and directories, again and
 * again, at moments that no call can foresee.
 */
function exchangeEverything(directories: readonly string[], outside: string): string {
  return `
    const paths = ${JSON.stringify(directories)};
    const outside = ${JSON.stringify(outside)};
    const targets = ['', '/secret', '/inst', '/ld.so.preload'].map((name) => outside + name);
    const any = (list) => list[Math.floor(Math.random() * list.length)];
    const isLink = (path) => fs.lstatSync(path).isSymbolicLink();
    const strike = () => {
      for (const path of paths) {
        for (const name of ['kamailio.pid', 'rpc.fifo'])
          attempt(() => fs.symlinkSync(outside + '/ld.so.preload', path + '/' + name));
        attempt(() => fs.renameSync(path, path + '.aside' + Math.random()));
        attempt(() => fs.symlinkSync(any(targets), path));
      }
      // The agent must get a chance to make them anew.
      setTimeout(() => {
        for (const path of paths) attempt(() => isLink(path) && fs.unlinkSync(path));
        setTimeout(strike, any([0, 1, 5, 20, 80, 320]));
      }, any([1, 5, 20]));
    };
    strike();
    ready();`;
}

test(`${ROUNDS} starts, monitors and stops, whose directories kamuser and a member of its group exchange meanwhile, change nothing outside`, () =>
  withNothingChanged({}, async (instance, outside) => {
    const own = join(instance.directory, 'own');
    const shared = join(instance.directory, 'shared');
    for (const path of [own, shared]) mkdirSync(path);
    chownSync(own, NOBODY.uid, NOBODY.gid);
    chownSync(shared, 0, NOBODY.gid);
    chmodSync(shared, 0o775);
    const layouts = [makeLayout(instance, own, shared), makeLayout(instance, shared, own)];
    const all = layouts.flatMap(({ directories }) => directories);
    const member = { uid: account('daemon').uid, gid: NOBODY.gid };
    const env = { OCF_RESKEY_CRM_meta_timeout: '500' };
    const codes = new Set<number | null>();
    const attack = exchangeEverything(all, outside);
    try {
      await withAttacker(instance, attack, () =>
        withAttacker(
          instance,
          attack,
          async () => {
            for (let round = 0; round < ROUNDS; round += 1) {
              const { params } = layouts[round % layouts.length] ?? { params: {} };
              codes.add((await call(instance, 'start', params, { env })).code);
              await call(instance, 'monitor', params, { env });
              assertCall(await call(instance, 'stop', params), 0);
            }
          },
          member,
        ),
      );
    } finally {
      for (const { params } of layouts) signalAll(processesNaming(params.pidfile ?? '').keys(), 'SIGKILL');
    }
    assert.ok(codes.has(4), `no start has met a link: ${[...codes]}`);
    assert.ok(codes.has(0), `no start has come to its end: ${[...codes]}`);
  }));

test.run();
