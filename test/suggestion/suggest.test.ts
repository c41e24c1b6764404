import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allTransports } from '../health/support.ts';
import { useCtlAlone } from '../kamctl/ctl-alone.ts';
import { AGENT, type Call, callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { ordinaryUser } from '../support/ordinary-user.ts';
import { freePort } from '../support/ports.ts';

interface Report {
  readonly parameters: Readonly<Record<string, string>>;
  readonly steps: readonly {
    readonly why: string;
    readonly commands: readonly string[];
    readonly configuration?: string;
  }[];
  readonly notes: readonly { readonly where?: string; readonly seen: string }[];
  readonly restart: readonly string[];
  readonly monitor: { readonly exitCode?: number; readonly seen: string };
}

/** What suggest says of an instance that runs, as JSON. */
async function suggest(instance: TestInstance, ...args: string[]): Promise<Report> {
  const result = await callAgent(
    'suggest',
    {},
    {
      args: [`--pid=${instance.mainPid()}`, '--output=json', ...args],
    },
  );
  assertCall(result, 0);
  return JSON.parse(result.stdout);
}

async function started(instance: TestInstance, params: Record<string, string> = {}): Promise<void> {
  assertCall(await call(instance, 'start', params), 0);
}

/** Asserts that a monitor with the suggested parameters knows the Kamailio that runs, and is content with it. */
async function assertMonitored(instance: TestInstance, report: Report): Promise<void> {
  assert.is(report.monitor.exitCode, 0, report.monitor.seen);
  assert.equal(report.restart, []);
  const params = { ...report.parameters, kamctlrc: instance.kamctlrc };
  assertCall(await callAgent('monitor', params, { env: instance.env }), 0);
}

test('a Kamailio that the agent started is suggested with the parameters that it was started with', async () => {
  await withInstance({}, async (instance) => {
    await started(instance);
    const report = await suggest(instance);
    const { conffile, pidfile, port } = instance.params;
    assert.equal(report.parameters, { conffile, pidfile, listen_address: '127.0.0.1', port });
    await assertMonitored(instance, report);
    const kamctlrc = report.steps.find(({ why }) => /FIFO that this Kamailio reads/.test(why));
    assert.match(kamctlrc?.commands[0] ?? '', `'RPCFIFOPATH=${instance.fifo}'`);
  });
});

test("a Kamailio with ctl alone gets a kamctlrc of its own with ctl's socket", async () => {
  await withInstance({}, async (instance) => {
    const socket = useCtlAlone(instance);
    await started(instance);
    const report = await suggest(instance);
    assert.match(report.parameters.kamctlrc ?? '', /^\/etc\/kamailio\/kamctlrc\../);
    const step = report.steps.find(({ why }) => /ctl's socket, on which this Kamailio answers/.test(why));
    assert.match(step?.commands[0] ?? '', `'RPCCTLSOCKET=${socket}' >> ${report.parameters.kamctlrc}`);
    await assertMonitored(instance, report);
  });
});

test('listen lines with tls become probes, over tls too, and a monitor with them is content', async () => {
  await withInstance(allTransports(), async (instance) => {
    await started(instance);
    const report = await suggest(instance);
    assert.is(report.parameters.proto, 'conf_udptcp');
    assert.match(report.parameters.probes ?? '', `tls:127.0.0.1:${instance.port + 1}`);
    await assertMonitored(instance, report);
  });
});

test('thirty listen lines are all polled', async () => {
  const ports: number[] = [];
  while (ports.length < 30) ports.push(await freePort());
  const config = () => ports.map((port) => `listen=udp:127.0.0.1:${port}`).join('\n');
  await withInstance({ config, params: { proto: 'conf_udp' } }, async (instance) => {
    assertCall(await call(instance, 'start', { port: String(ports[0]), proto: 'conf_udp' }), 0);
    const report = await suggest(instance);
    const probes = (report.parameters.probes ?? '').split(' ').sort();
    assert.equal(probes, [...new Set(ports)].map((port) => `udp:127.0.0.1:${port}`).sort());
    await assertMonitored(instance, report);
  });
});

test('hostile words on the command line come through pcs and crm word for word, and nothing is executed', async () => {
  const marker = join(mkdtempSync('/tmp/ocf-kamailio-words-'), 'executed');
  const words = [
    `A='it''s"`,
    `B=$(touch ${marker})`,
    `C=\`touch ${marker}\``,
    `D=;touch ${marker};#`,
    'E=!! \\ *',
  ];
  await withInstance({}, async (instance) => {
    const options = words.flatMap((word) => ['-A', word]);
    const quoted = options.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`).join(' ');
    await started(instance, { extra_options: quoted });
    for (const tool of ['pcs', 'crm']) {
      const text = await callAgent('suggest', {}, { args: [`--pid=${instance.mainPid()}`, `--for=${tool}`] });
      assertCall(text, 0);
      const value = valueInCib(pasted(text, join(instance.directory, `${tool}.xml`)), 'extra_options');
      const again = await callAgent('validate-all', { ...instance.params, extra_options: value });
      assertCall(again, 0);
      const report = await suggest(instance);
      assert.is(value, report.parameters.extra_options);
    }
  });
  assert.is(spawnSync('ls', [marker]).status, 2);
  rmSync(join(marker, '..'), { recursive: true });
});

/** Pastes what suggest printed for the cluster into a shell, with a CIB of a file's; returns that. */
function pasted({ stdout }: Call, path: string): string {
  writeFileSync(path, spawnSync('cibadmin', ['--empty'], { encoding: 'utf8' }).stdout);
  const commands = stdout.slice(stdout.search(/^(?:pcs|crm) /m)).replace(/^pcs /gm, `pcs -f ${path} `);
  const env = { ...process.env, CIB_file: path };
  const shell = spawnSync('/bin/sh', ['-e'], {
    input: commands.replace('crm configure', 'crm -F configure'),
    encoding: 'utf8',
    env: commands.startsWith('crm') ? env : process.env,
  });
  assert.is(shell.status, 0, shell.stderr);
  return readFileSync(path, 'utf8');
}

function valueInCib(xml: string, name: string): string {
  const value = new RegExp(`name="${name}" value="([^"]*)"|value="([^"]*)"[^>]* name="${name}"`).exec(xml);
  return (value?.[1] ?? value?.[2] ?? '')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

test('a value that crmsh would spoil is refused for crm, and printed for pcs', async () => {
  await withInstance({}, async (instance) => {
    await started(instance, { extra_options: "-A 'A=\\\"'" });
    const pid = `--pid=${instance.mainPid()}`;
    const result = await callAgent('suggest', {}, { args: [pid, '--for=crm'] });
    assertCall(result, 2, /crmsh cannot take the value of extra_options.*--for=pcs/);
    assertCall(await callAgent('suggest', {}, { args: [pid] }), 0);
  });
});

test('a kamailio.cfg that answers without user alone gets an empty probe_user, one that answers neither gets the lines', async () => {
  const route =
    'if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; } sl_send_reply("404", "No");';
  await withInstance({ route }, async (instance) => {
    await started(instance, { probe_user: '' });
    const report = await suggest(instance);
    assert.is(report.parameters.probe_user, '');
    await assertMonitored(instance, report);
  });
  const deaf =
    'if (is_method("OPTIONS") && $rU == "other") { sl_send_reply("200", "OK"); exit; } sl_send_reply("404", "No");';
  await withInstance({ route: deaf }, async (instance) => {
    await started(instance, { probe_user: 'other' });
    const report = await suggest(instance);
    assert.match(report.steps[0]?.configuration ?? '', /sl_send_reply\("200", "OK"\)/);
    assert.is(report.monitor.exitCode, 1);
    assert.match(report.restart.join(), /kamailio\.cfg/);
  });
});

/** Where systemd's groups of processes are: on a machine with cgroup v1, on one with v2. */
const GROUPS = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
);
const testWithGroups = GROUPS === undefined ? test.skip : test;
if (GROUPS === undefined) console.log('skipped: units of systemd: /sys/fs/cgroup is not mounted');

/** Has the processes of a Kamailio in the group that systemd would make for a unit. */
async function withUnit(unit: string, body: (instance: TestInstance) => Promise<void>): Promise<void> {
  const group = join(GROUPS ?? '', unit);
  mkdirSync(group);
  try {
    await withInstance({}, async (instance) => {
      await started(instance);
      for (const pid of instance.pids()) writeFileSync(join(group, 'cgroup.procs'), String(pid));
      await body(instance);
    });
    await until(() => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '', 'the group is empty');
  } finally {
    rmdirSync(group);
  }
}

testWithGroups(
  'a unit of systemd that holds it is to be disabled, and settings that reach it through the unit are named',
  async () => {
    const dropIns = '/run/systemd/system/kamailio@ocfk-test.service.d';
    mkdirSync(dropIns, { recursive: true });
    writeFileSync(
      join(dropIns, 'limits.conf'),
      '[Service]\nLimitNOFILE=54321\nEnvironmentFile=/run/systemd/system/kamailio@ocfk-test.service.d/env\n',
    );
    writeFileSync(join(dropIns, 'env'), 'DBURL=mysql://user:secret@db/x\n');
    try {
      await withUnit('kamailio@ocfk-test.service', async (instance) => {
        const report = await suggest(instance);
        const commands = report.steps.flatMap((step) => step.commands);
        assert.ok(commands.includes('systemctl disable --now kamailio@ocfk-test'), commands.join('\n'));
        const notes = JSON.stringify(report.notes);
        assert.match(notes, /LimitNOFILE=54321/);
        assert.match(notes, /environment variable DBURL/);
        assert.not.match(JSON.stringify(report), /secret/);
        assert.match(report.restart.join(), /systemd's kamailio@ocfk-test\.service holds it/);
      });
    } finally {
      rmSync(dropIns, { recursive: true });
    }
  },
);

testWithGroups(
  'a unit that the cluster itself runs is deleted there, and an id that is taken gets a number',
  () =>
    withUnit('kamailio@ocfk-two.service', async (instance) => {
      const file = join(instance.directory, 'cib.xml');
      const empty = spawnSync('cibadmin', ['--empty'], { encoding: 'utf8' }).stdout;
      const old = '<primitive id="kamailio" class="systemd" type="kamailio@ocfk-two"/>';
      writeFileSync(file, empty.replace('<resources/>', `<resources>${old}</resources>`));
      const printed = (tool: string) =>
        callAgent(
          'suggest',
          {},
          { args: [`--pid=${instance.mainPid()}`, `--for=${tool}`], env: { CIB_file: file } },
        );
      const pcs = await printed('pcs');
      assertCall(pcs, 0);
      assert.match(pcs.stdout, /^pcs resource delete kamailio$/m);
      assert.not.match(pcs.stdout, /systemctl/);
      assert.match(pcs.stdout, /^pcs resource create kamailio-2 ocf:heartbeat:kamailio/m);
      const crm = await printed('crm');
      assert.match(crm.stdout, /^crm resource stop kamailio\ncrm --wait configure delete kamailio$/m);
    }),
);

test('programs with kamailio in their names are not taken for one, and without one it says what it looked for', async () => {
  const directory = mkdtempSync('/tmp/ocf-kamailio-names-');
  try {
    const names = [
      'kamailio',
      'kamailio2',
      'kamailio-exporter',
      'ocf-kamailio',
      'my.kamailio',
      'kamailio.sh',
    ];
    const script = names.map((name) => {
      copyFileSync('/bin/sleep', join(directory, name));
      return `chmod +x ${join(directory, name)}; ${join(directory, name)} 60 &`;
    });
    // A namespace of its own shows no other process, and ends what runs in it.
    const inside = `${script.join('\n')}\n${AGENT} suggest; echo "code $?"`;
    const run = spawnSync(
      'unshare',
      ['--pid', '--fork', '--kill-child', '--mount-proc', '/bin/sh', '-c', inside],
      {
        encoding: 'utf8',
      },
    );
    assert.match(run.stdout, /^code 7$/m);
    assert.match(run.stderr, /no Kamailio runs on this node: .*program called kamailio with modules/);
    assert.match(run.stderr, /--conffile=/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a Kamailio in a container is said not to be ours', async () => {
  await withInstance({}, async (instance) => {
    const words = [
      '--pid',
      '--fork',
      '--kill-child',
      '/usr/sbin/kamailio',
      '-DD',
      '-E',
      '-f',
      instance.conffile,
    ];
    const container = spawn('unshare', [...words, '-l', `udp:127.0.0.1:${instance.port}`], {
      stdio: 'ignore',
    });
    try {
      const find = () =>
        spawnSync('pgrep', ['-P', String(container.pid)], { encoding: 'utf8' }).stdout.trim();
      await until(() => {
        const maps = find() && spawnSync('cat', [`/proc/${find()}/maps`], { encoding: 'utf8' }).stdout;
        return /jsonrpcs/.test(maps || '');
      }, 'Kamailio runs in its namespace');
      const result = await callAgent('suggest', {}, { args: [`--pid=${find()}`] });
      assertCall(result, 2, /in a container .*not this node's own/, /inside the container/);
    } finally {
      container.kill('SIGKILL');
      await new Promise((resolve) => container.once('exit', resolve));
    }
  });
});

test('an ordinary user is told what could be seen, and to call it as root', async () => {
  await withInstance({}, async (instance) => {
    await started(instance);
    const user = ordinaryUser(instance.directory);
    const result = await callAgent(
      'suggest',
      {},
      {
        ...user,
        args: [`--pid=${instance.mainPid()}`],
        env: { PATH: user.path },
      },
    );
    assertCall(
      result,
      4,
      new RegExp(`pid ${instance.mainPid()}.*${instance.conffile}`),
      /hidden from uid \d+; call suggest as root/,
    );
  });
});

test('several Kamailios are listed, each with the pid to ask for', async () => {
  await withInstance({}, async (one) => {
    await withInstance({}, async (other) => {
      await started(one);
      await started(other);
      const result = await callAgent('suggest');
      assertCall(result, 0);
      assert.match(result.stdout, /--pid=PID/);
      for (const instance of [one, other])
        assert.match(result.stdout, new RegExp(`^ +${instance.mainPid()} .*${instance.conffile}`, 'm'));
    });
  });
});

test('a configuration that nobody runs is suggested from what Kamailio itself says of it', async () => {
  await withInstance({ config: (port) => `listen=udp:127.0.0.1:${port}` }, async (instance) => {
    const result = await callAgent(
      'suggest',
      {},
      { args: [`--conffile=${instance.conffile}`, '--output=json'] },
    );
    assertCall(result, 0);
    const report: Report = JSON.parse(result.stdout);
    const { conffile, listen_address, port, proto } = report.parameters;
    assert.equal(
      { conffile, listen_address, port, proto },
      {
        conffile: instance.conffile,
        listen_address: '127.0.0.1',
        port: String(instance.port),
        proto: 'conf_udp',
      },
    );
    assert.match(JSON.stringify(report.steps), `RPCFIFOPATH=${instance.fifo}`);
    writeFileSync(instance.conffile, 'request_route {\n');
    const broken = await callAgent('suggest', {}, { args: [`--conffile=${instance.conffile}`] });
    assertCall(broken, 2, /does not accept .*kamailio\.cfg/);
  });
});

test('a Kamailio without a pidfile on its command line is suggested, and why it needs a restart is said', async () => {
  await withInstance({}, async (instance) => {
    const kamailio = spawn(
      '/usr/sbin/kamailio',
      ['-DD', '-E', '-f', instance.conffile, '-l', `udp:127.0.0.1:${instance.port}`],
      { stdio: 'ignore' },
    );
    try {
      let report: Report | undefined;
      await until(async () => {
        const args = [`--pid=${kamailio.pid}`, '--output=json'];
        const result = await callAgent('suggest', {}, { args });
        report = result.code === 0 ? JSON.parse(result.stdout) : undefined;
        return report?.parameters.listen_address !== undefined;
      }, 'it serves');
      assert.match(report?.restart.join() ?? '', /without -P.*-D -D -E is left out/);
      assert.is(report?.parameters.pidfile, undefined);
      assert.is(report?.parameters.extra_options, `-l udp:127.0.0.1:${instance.port}`);
    } finally {
      kamailio.kill('SIGTERM');
      await new Promise((resolve) => kamailio.once('exit', resolve));
    }
  });
});

test.run();
