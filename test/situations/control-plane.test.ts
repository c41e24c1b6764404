import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
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
    const limitMs = 8000;
    const params = { CRM_meta_timeout: String(limitMs), probe_timeout: '1' };
    assertCall(await call(instance, 'monitor', params, { limitMs }), code, ...reasons);
    assertCall(await call(instance, 'stop'), 0);
  });
}

const MODPARAM = /modparam\("jsonrpcs", "fifo_name", ".*rpc\.fifo"\)/;

test('a FIFO that is missing fails the monitor, which says which modparam makes it', () =>
  monitorSpoilt(
    ({ fifo }) => unlinkSync(fifo),
    1,
    /not healthy: control plane: the FIFO .*\/rpc\.fifo does not exist; load jsonrpcs\.so/,
    MODPARAM,
  ));

test('a FIFO that nobody reads fails the monitor at once', () =>
  monitorSpoilt(
    ({ fifo }) => {
      unlinkSync(fifo);
      spawnSync('mkfifo', [fifo]);
    },
    1,
    /control plane: nobody reads the FIFO .*\/rpc\.fifo; /,
    MODPARAM,
  ));

test('a file in the place of the FIFO fails the monitor, and nothing is written to it', async () => {
  await monitorSpoilt(
    ({ fifo }) => {
      unlinkSync(fifo);
      writeFileSync(fifo, '');
    },
    1,
    /control plane: .*\/rpc\.fifo is no FIFO; remove it/,
  );
});

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
      const limitMs = 4000;
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
    const limitMs = 5000;
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
