import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';

/** What the agent or the tools of monitor_tools=external call. Not `node`: that one is called before the agent runs. */
const PROGRAMS =
  `mkfifo getent ss logger crm_resource kamailio kamctl sipsak sh bash env awk gawk egrep grep sed cat
  rm mktemp mkdir which expr tail head cut tr date id ls stty tput clear stat timeout perl python3 sleep ps`.split(
    /\s+/,
  );

/** A directory of a stranger in which root happens to be, with a trap for each program that might be called. */
function trap({ directory }: TestInstance): { cwd: string; mark: string; agent: string } {
  const { uid, gid } = account('nobody');
  const cwd = join(directory, 'theirs');
  const mark = join(directory, 'mark');
  for (const path of [cwd, join(cwd, 'relative')]) {
    mkdirSync(path);
    chownSync(path, uid, gid);
    for (const name of PROGRAMS)
      writeFileSync(join(path, name), `#!/bin/sh\necho "$0 $*" >> ${mark}\n`, { mode: 0o755 });
  }
  const agent = join(directory, 'agent-there');
  writeFileSync(agent, `#!/bin/sh\ncd ${cwd} && exec '${AGENT}' "$@"\n`, { mode: 0o755 });
  return { cwd, mark, agent };
}

/** kamctl asks Kamailio for statistics, which only these modules have. */
const FOR_KAMCTL = { config: 'loadmodule "tm.so"\nloadmodule "tmx.so"\nloadmodule "usrloc.so"' };

test('no program is taken from the current directory, whatever PATH says', () =>
  withInstance(FOR_KAMCTL, async (instance) => {
    const { mark, agent } = trap(instance);
    const nothing = () => assert.not(existsSync(mark), existsSync(mark) ? readFileSync(mark, 'utf8') : '');
    for (const path of [`.:relative::./relative:${process.env.PATH}`, `:${process.env.PATH}`]) {
      const there = { agent, env: { PATH: path, HA_LOGFACILITY: 'local7', OCF_CHECK_LEVEL: '20' } };
      assertCall(await call(instance, 'start', {}, there), 0);
      nothing();
      assertCall(await call(instance, 'monitor', {}, there), 0);
      assertCall(await call(instance, 'monitor', { monitor_tools: 'external' }, there), 0);
      nothing();
      assertCall(await call(instance, 'monitor', { port: '1' }, there), 1);
      assertCall(await call(instance, 'validate-all', { kamuser: 'nobody_knows_him' }, there), 2);
      nothing();
      const diagnosed = await call(instance, 'diagnose', {}, { ...there, args: ['no_such_resource'] });
      assert.match(diagnosed.reason, /crm_resource|the cluster tells nothing/);
      nothing();
      assertCall(await call(instance, 'stop', {}, there), 0);
      nothing();
    }
  }));

test("without any PATH, or with one of relative parts alone, the system's directories are taken", () =>
  withInstance({}, async (instance) => {
    const { mark, cwd } = trap(instance);
    // The kernel's own way to call the script needs `env` to find node: so Node.js is called by its path.
    const agent = join(instance.directory, 'agent-without-path');
    const byPath = readFileSync(AGENT, 'latin1').startsWith('#!') ? `'${process.execPath}' ` : '';
    for (const setting of ['unset PATH', 'PATH=', 'PATH=.:relative; export PATH']) {
      writeFileSync(agent, `#!/bin/sh\ncd ${cwd}\n${setting}\nexec ${byPath}'${AGENT}' "$@"\n`, {
        mode: 0o755,
      });
      const diagnosed = await call(instance, 'diagnose', {}, { agent, args: ['no_such_resource'] });
      assertCall(diagnosed, 2, /no_such_resource/);
    }
    assert.not(existsSync(mark));
  }));

/** Environments that root may have inherited. `MARK` stands for a program that leaves one. */
const ODDITIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a library to preload that does not exist': { LD_PRELOAD: '/nonexistent.so', LD_LIBRARY_PATH: '.:' },
  'separators of words': { IFS: '/ak:0.', CDPATH: '/tmp' },
  'start files of shells': {
    ENV: 'MARK',
    BASH_ENV: 'MARK',
    SHELLOPTS: 'xtrace',
    PS4: '$(MARK)',
    PROMPT_COMMAND: 'MARK',
  },
  'functions of bash': { 'BASH_FUNC_mkfifo%%': '() { MARK; }', 'BASH_FUNC_test%%': '() { MARK; }' },
  'a Turkish locale': { LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'tr', LANG: 'tr_TR' },
  'a locale and a time zone that do not exist': {
    LC_ALL: 'xx_YY@z',
    LC_MESSAGES: '\x1b[2J',
    TZ: ':/nonexistent',
  },
  'settings of Node.js that it takes from the environment': {
    NODE_PATH: 'THEIRS',
    NODE_ENV: 'production',
    NODE_NO_WARNINGS: '0',
    NODE_PENDING_DEPRECATION: '1',
    NODE_EXTRA_CA_CERTS: '/nonexistent.pem',
    NODE_DISABLE_COLORS: '',
    FORCE_COLOR: '3',
    UV_THREADPOOL_SIZE: '1',
  },
  'places that are gone': {
    HOME: '/nonexistent',
    TMPDIR: '/nonexistent',
    TMP: 'relative',
    PWD: '/x',
    OLDPWD: '',
  },
  'OCF variables of another resource': {
    OCF_RESKEY_pid: '1',
    OCF_RESKEY_: 'x',
    OCF_RESOURCE_TYPE: '../x',
    HA_debug: 'x',
  },
};

test('an odd environment changes neither verdict nor words', () =>
  withInstance({ params: { kamuser: 'kamailio' }, ...account('kamailio') }, async (instance) => {
    const { mark, cwd } = trap(instance);
    const marking = join(instance.directory, 'marking');
    writeFileSync(marking, `#!/bin/sh\necho "$0" >> ${mark}\n`, { mode: 0o755 });
    const fill = (value: string) => value.replace('MARK', marking).replace('THEIRS', cwd);
    const environments = Object.values(ODDITIES).map((oddity) => ({
      OCF_CHECK_LEVEL: '20',
      ...Object.fromEntries(Object.entries(oddity).map(([name, value]) => [name, fill(value)])),
    }));
    const all = Object.assign({}, ...environments);
    assertCall(
      await call(instance, 'monitor', {}, { env: all }),
      7,
      /^not running: pidfile .* does not exist/,
    );
    assertCall(await call(instance, 'start', {}, { env: all }), 0);
    for (const env of environments) {
      const monitored = await call(instance, 'monitor', {}, { env });
      assert.is(monitored.code, 0, `${JSON.stringify(env)}: ${monitored.stderr}`);
    }
    assertCall(await call(instance, 'stop', {}, { env: all }), 0);
    assert.not(existsSync(mark));
  }));

test('closed standard descriptors do the agent no harm', () =>
  withInstance({}, async (instance) => {
    const agent = join(instance.directory, 'closed');
    const act = async (action: string, closed: string, code: number) => {
      writeFileSync(agent, `#!/bin/sh\nexec '${AGENT}' "$@" ${closed}\n`, { mode: 0o755 });
      assert.is((await call(instance, action, {}, { agent })).code, code, `${action} ${closed}`);
    };
    await act('start', '<&- >&- 2>&-', 0);
    for (const closed of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) await act('monitor', closed, 0);
    await act('stop', '<&- >&- 2>&-', 0);
    await act('monitor', '<&- >&- 2>&-', 7);
  }));

test.run();
