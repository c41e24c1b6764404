import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { useCtlAlone } from '../kamctl/ctl-alone.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { withStandIn } from '../support/stand-in.ts';

/** Starts an instance, spoils its control plane, and asserts what the monitor says; a stop works. */
async function monitorSpoilt(
  spoil: (instance: TestInstance) => void,
  code: number,
  ...reasons: readonly RegExp[]
): Promise<void> {
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    spoil(instance);
    const limitMs = 15_000;
    const params = { CRM_meta_timeout: String(limitMs), probe_timeout: '4' };
    assertCall(await call(instance, 'monitor', params, { limitMs }), code, ...reasons);
    assertCall(await call(instance, 'stop'), 0);
  });
}

const MODPARAM = /modparam\("jsonrpcs", "fifo_name", ".*\.fifo"\)/;

const REMOVED =
  /^Kamailio \(pid \d+\) serves, but: control plane: the FIFO .*\/rpc\.fifo that this Kamailio reads was removed; find out what removes files there, /;

test('a FIFO that was removed degrades a Kamailio that answers SIP', () =>
  monitorSpoilt(({ fifo }) => unlinkSync(fifo), 190, REMOVED, /restart this resource/));

test('a FIFO that was removed is no excuse for a Kamailio that does not answer SIP', () =>
  monitorSpoilt(
    (instance) => {
      unlinkSync(instance.fifo);
      signalAll(
        instance.pids().filter((pid) => pid !== instance.mainPid()),
        'SIGSTOP',
      );
    },
    1,
    /not healthy: udp:\S+: no answer to OPTIONS/,
    /control plane: the FIFO .* was removed/,
  ));

const isRoot = process.geteuid?.() === 0;

/** A control plane in a runtime directory: how an instance gets it, and how it is named there and once it is gone. */
const IN_RUNTIME_DIRECTORY = [
  {
    name: 'FIFO',
    gone: 'that this Kamailio reads',
    config: (own: string) => `modparam("jsonrpcs", "fifo_name", "${own}/rpc.fifo")`,
    prepare: (instance: TestInstance, own: string) =>
      writeFileSync(instance.kamctlrc, `RPCFIFOPATH=/var${own}/rpc.fifo\n`),
  },
  {
    name: 'socket of ctl',
    gone: 'on which this Kamailio answers',
    config: () => '',
    prepare: (instance: TestInstance, own: string) => {
      useCtlAlone(instance, `${own}/ctl`);
      writeFileSync(instance.kamctlrc, `RPCCTLSOCKET=/var${own}/ctl\n`);
    },
  },
];

for (const { name, gone, config, prepare } of IN_RUNTIME_DIRECTORY)
  (isRoot ? test : test.skip)(
    `a ${name} in the runtime directory of a unit is warned of, and named when it is gone`,
    () => {
      const unit = `ocfk-test-${process.pid}`;
      const place = `/run/systemd/system/${unit}.service`;
      const own = `/run/${unit}`;
      return withInstance({ config: config(own) }, async (instance) => {
        prepare(instance, own);
        mkdirSync(dirname(place), { recursive: true });
        writeFileSync(place, `[Service]\nRuntimeDirectory=other ${unit}\n`);
        try {
          const warning = new RegExp(
            `systemd removes ${own}, where the ${name} \\S+ is, whenever ${unit}\\.service stops`,
          );
          assert.match((await call(instance, 'validate-all')).stderr, warning);
          assertCall(await call(instance, 'start'), 0);
          const warned = await call(instance, 'diagnose');
          assert.is(warned.code, 0);
          assert.match(warned.stdout, warning);
          rmSync(own, { recursive: true });
          const taken = new RegExp(
            `was removed, as ${unit}\\.service of systemd removes ${own} whenever .*\`systemctl mask ${unit}\``,
          );
          assertCall(await call(instance, 'monitor'), 190, /serves, but: control plane: /, taken);
          assertCall(await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: '20' } }), 190, taken);
          const diagnosed = await call(instance, 'diagnose');
          assert.is(diagnosed.code, 190);
          assert.match(diagnosed.stdout, new RegExp(`FAILED +control plane +the .* ${gone} was removed`));
          // The unit is masked, and a start makes a new directory.
          rmSync(place);
          symlinkSync('/dev/null', place);
          assertCall(await call(instance, 'stop'), 0);
          assertCall(await call(instance, 'start'), 0);
          assert.not.match((await call(instance, 'validate-all')).stderr, warning);
          assert.not.match((await call(instance, 'diagnose')).stdout, warning);
          assertCall(await call(instance, 'stop'), 0);
        } finally {
          for (const path of [place, own]) rmSync(path, { recursive: true, force: true });
        }
      });
    },
  );

test('a FIFO that nobody reads is no substitute for the one that was removed', () =>
  monitorSpoilt(
    ({ fifo }) => {
      unlinkSync(fifo);
      spawnSync('mkfifo', [fifo]);
    },
    190,
    REMOVED,
  ));

test('nothing is written to a file in the place of the FIFO', () =>
  monitorSpoilt(
    ({ fifo }) => {
      unlinkSync(fifo);
      writeFileSync(fifo, '');
    },
    190,
    REMOVED,
  ));

test('a FIFO that this Kamailio does not read, and nobody else, fails the monitor with the modparam that makes it', () =>
  monitorSpoilt(
    ({ kamctlrc, directory }) => {
      spawnSync('mkfifo', [`${directory}/other.fifo`]);
      writeFileSync(kamctlrc, `RPCFIFOPATH=${directory}/other.fifo\n`);
    },
    1,
    /not healthy: control plane: nobody reads the FIFO .*\/other\.fifo; /,
    MODPARAM,
  ));

test('a symbolic link in the place of the FIFO is not followed', () =>
  monitorSpoilt(
    ({ fifo }) => {
      renameSync(fifo, `${fifo}.real`);
      symlinkSync(`${fifo}.real`, fifo);
    },
    1,
    /control plane: .*\/rpc\.fifo is a symbolic link; give the FIFO's own path/,
  ));

test('a directory in the place of the FIFO fails the monitor', () =>
  monitorSpoilt(
    ({ kamctlrc, directory }) => writeFileSync(kamctlrc, `RPCFIFOPATH=${directory}\n`),
    1,
    /control plane: .* is a directory; load jsonrpcs\.so/,
  ));

test('a FIFO whose reader never replies fails the monitor within its time', () =>
  withInstance({}, async (instance) => {
    // It opens the FIFO, reads, and says nothing; Kamailio's own would always reply.
    const fifo = join(instance.directory, 'silent.fifo');
    spawnSync('mkfifo', [fifo]);
    writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${fifo}\n`);
    const script = `require('node:fs').openSync(${JSON.stringify(fifo)}, 'r+');`;
    await withStandIn(instance, script, async () => {
      const limitMs = 10_000;
      const monitored = await call(instance, 'monitor', { CRM_meta_timeout: String(limitMs) }, { limitMs });
      assertCall(
        monitored,
        1,
        /control plane: no reply to core\.uptime over .*\/silent\.fifo came to \/tmp; /,
      );
      assertCall(await call(instance, 'stop'), 0);
    });
  }));

// The last poll before the deadline is cut short; what it saw must not hide what all others saw.
test('a start waits for the control plane and says what it misses', () =>
  withInstance({}, async (instance) => {
    writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${instance.directory}/run/other.fifo\n`);
    const limitMs = 10_000;
    assertCall(
      await call(instance, 'start', { CRM_meta_timeout: String(limitMs) }, { limitMs }),
      1,
      /does not serve in time: control plane: the FIFO .*\/other\.fifo does not exist; /,
    );
    assert.equal(instance.pids(), []);
  }));

test('a kamctlrc that needs a shell leaves the control plane unchecked, and nothing in it is executed', () =>
  withInstance({}, async (instance) => {
    const mark = join(instance.directory, 'executed');
    assertCall(await call(instance, 'start'), 0);
    for (const line of [
      `RPCFIFOPATH=$(touch ${mark})`,
      `RPCFIFOPATH=\`touch ${mark}\``,
      'RPCFIFOPATH=relative',
    ]) {
      writeFileSync(instance.kamctlrc, `# settings\n${line}\n`);
      assertCall(
        await call(instance, 'monitor'),
        190,
        /serves, but: .*kamctlrc line 2: RPCFIFOPATH is no plain absolute path; this agent does not run shell code/,
      );
      assertCall(await call(instance, 'validate-all'), 2, /kamctlrc line 2/);
    }
    writeFileSync(
      instance.kamctlrc,
      `touch ${mark}\nDBENGINE=$(touch ${mark})\nexport RPCFIFOPATH='${instance.fifo}' # ours\n`,
    );
    assertCall(await call(instance, 'monitor'), 0);
    assert.not(existsSync(mark));
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a directory, a device or a huge file in the place of kamctlrc is refused', () =>
  withInstance({}, async (instance) => {
    const huge = join(instance.directory, 'huge');
    writeFileSync(huge, '#'.repeat(2 ** 21));
    for (const kamctlrc of [instance.directory, '/dev/zero', huge])
      assertCall(await call(instance, 'validate-all', { kamctlrc }), 2, / is no text file of settings; put /);
  }));

test('a kamctlrc without RPCFIFOPATH means the FIFO that kamctl takes', () =>
  monitorSpoilt(
    ({ kamctlrc }) => writeFileSync(kamctlrc, '# nothing\n'),
    1,
    /control plane: .*\/run\/kamailio\/kamailio_rpc\.fifo/,
  ));

test('a reply directory that Kamailio has changed is named when no reply comes, and a line of kamctlrc sets it', () =>
  withInstance(
    {
      config: (_, directory) => {
        mkdirSync(join(directory, 'replies'), { mode: 0o755 });
        return `modparam("jsonrpcs", "fifo_reply_dir", "${directory}/replies/")`;
      },
    },
    async (instance) => {
      const replies = join(instance.directory, 'replies');
      const short = { CRM_meta_timeout: '6000', probe_timeout: '1' };
      assertCall(
        await call(instance, 'start', short),
        1,
        /control plane: no reply to core\.uptime over \S+ came to \/tmp; .*modparam\("jsonrpcs", "fifo_reply_dir", \.\.\.\) names another directory: write it as RPCFIFOREPLYDIR=\.\.\. into kamctlrc/,
      );
      for (const written of [replies, `"${replies}/"`]) {
        writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${instance.fifo}\nRPCFIFOREPLYDIR=${written}\n`);
        assertCall(await call(instance, 'start'), 0);
        assert.is(readdirSync(replies).length, 1, 'the spare FIFO is there');
        for (const level of ['10', '20'])
          assertCall(await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: level } }), 0);
        assertCall(await call(instance, 'stop'), 0);
        assert.equal(readdirSync(replies), []);
      }
      // The real kamctl takes no notice of that line.
      const shell = spawnSync('/bin/sh', ['-ec', '. "$1"', 'sh', instance.kamctlrc], { encoding: 'utf8' });
      assert.equal([shell.status, shell.stdout, shell.stderr], [0, '', '']);
    },
  ));

test('a kamctlrc that may be read by nobody else serves root', () =>
  withInstance({}, async (instance) => {
    chmodSync(instance.kamctlrc, 0o600);
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
