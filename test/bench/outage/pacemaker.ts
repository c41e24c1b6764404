import { SERVICE_ADDRESS } from '../../cluster/testbed/configuration.ts';
import {
  ADDRESS_RESOURCE,
  createKamailio,
  exampleFile,
  GROUP,
  KAMAILIO,
  kamailioOperations,
  SERVICE_PARAMS,
} from '../../cluster/testbed/kamailio.ts';
import type { TestbedNode } from '../../cluster/testbed/node.ts';
import { cloneXml, primitiveXml } from '../../cluster/testbed/resources.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import type { Arrangement } from './cases.ts';
import type { Column } from './columns.ts';
import type { Service } from './service.ts';
import { reportedStart } from './starts.ts';

/** The resource that is ordered after Kamailio in the group. */
const FOLLOWER = 'follower';

/** Also the shell agent is given its time. ms */
const LIMIT_MS = 300_000;

/** Kamailio loads for so long, s. */
const SLOW_S = 10;
/** Runs in the main process, before it forks any worker. */
const SLOW = `loadmodule "htable.so"
loadmodule "cfgutils.so"
event_route[htable:mod-init] { sleep("${SLOW_S}"); }
`;

/** kamailio.cfg of the examples; one that loads for 10 s if `isSlow`. */
export function configuration(isSlow: boolean): string {
  const example = exampleFile('kamailio.cfg');
  return isSlow ? example.replace('request_route {', `${SLOW}request_route {`) : example;
}

/** Creates the resources of an arrangement, with the parameters and the monitor of a column. Returns once all runs. */
export async function createResources(
  testbed: Testbed,
  { agent, monitorS, params }: Column,
  arrangement: Arrangement,
  isSlow: boolean,
): Promise<void> {
  await removeResources(testbed);
  await testbed.cleanUp();
  await testbed.useAgent(agent);
  for (const node of testbed.nodes) await node.write('/etc/kamailio/kamailio.cfg', configuration(isSlow));
  if (arrangement === 'hot standby') return createStandby(testbed, params, monitorS);
  const follower = primitiveXml({ id: FOLLOWER, type: 'Dummy', operations: [monitorEach(10)] });
  await createKamailio(testbed, { params, monitorInterval: monitorS, followers: [follower] });
}

/** The agent that started Kamailio stops it, before another one takes its place. */
export async function removeResources(testbed: Testbed): Promise<void> {
  for (const scope of ['constraints', 'resources'])
    await testbed.command(['cibadmin', '--replace', '--scope', scope, '--xml-text', `<${scope}/>`]);
  await testbed.waitFor(
    async () => (await testbed.state()).resources.length === 0,
    'all resources are gone',
    LIMIT_MS,
  );
}

/** The service as it runs now. */
export async function pacemakerService(testbed: Testbed, arrangement: Arrangement): Promise<Service> {
  const active = await testbed.untilRunning(ADDRESS_RESOURCE);
  const isStandby = arrangement === 'hot standby';
  const moving = isStandby ? ADDRESS_RESOURCE : GROUP;
  const kamailios = isStandby ? testbed.nodes.length : 1;
  let awaited = isStandby ? ADDRESS_RESOURCE : KAMAILIO;
  return {
    active,
    move: async () => {
      const other = testbed.nodes.find(({ name }) => name !== active.name)?.name ?? '';
      await testbed.command(['crm_resource', '--resource', moving, '--move', '--node', other]);
    },
    setRole: async (role) => {
      const value = ['--set-parameter', 'target-role', '--meta', '--parameter-value', role];
      await testbed.command(['crm_resource', '--resource', moving, ...value]);
      if (role === 'Stopped') await testbed.settle();
      else awaited = FOLLOWER;
    },
    takenUp: async (since) => reportedStart(testbed, awaited, since),
    restore: async () => {
      if (!active.isOn()) {
        await active.boot();
        // A node that was booted has forgotten it. The start that failed for want of it is cleaned up below.
        if (isStandby) await allowNonlocalBind(active);
        await testbed.untilOnline();
      }
      // There is nothing to clear unless it was moved.
      await testbed.command(['crm_resource', '--resource', moving, '--clear']).catch(() => '');
      await testbed.command(['crm_resource', '--cleanup']);
      await testbed.waitFor(
        async () => {
          const { resources } = await testbed.state();
          const running = resources.filter(({ id, role }) => id === KAMAILIO && role === 'Started');
          return running.length === kamailios;
        },
        'each Kamailio runs',
        LIMIT_MS,
      );
      await testbed.settle(LIMIT_MS);
    },
  };
}

/** As the page on hot standby has it. */
async function createStandby(
  testbed: Testbed,
  params: Readonly<Record<string, string>>,
  monitorS: number,
): Promise<void> {
  for (const node of testbed.nodes) await allowNonlocalBind(node);
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { ...SERVICE_PARAMS, ...params },
    meta: { 'migration-threshold': '1', 'failure-timeout': '30s' },
    operations: kamailioOperations(monitorS),
  });
  await testbed.command(['crm_attribute', '--name', 'load-threshold', '--update', '400%']);
  await testbed.createResource(cloneXml('kamailio-clone', member, { interleave: 'true' }));
  await testbed.createResource(
    primitiveXml({
      id: ADDRESS_RESOURCE,
      type: 'IPaddr2',
      params: { ip: SERVICE_ADDRESS, cidr_netmask: '24', nic: 'eth0' },
      meta: { 'resource-stickiness': '100' },
      operations: [monitorEach(10)],
    }),
  );
  const colocation = `<rsc_colocation id="sip_ip-with-kamailio" rsc="${ADDRESS_RESOURCE}" with-rsc="kamailio-clone" score="INFINITY"/>`;
  await testbed.command(['cibadmin', '--create', '--scope', 'constraints', '--xml-text', colocation]);
  await testbed.waitFor(() => testbed.runningOn(ADDRESS_RESOURCE), 'the address is up', LIMIT_MS);
  await testbed.settle(LIMIT_MS);
}

/** Lets Kamailio listen on the address while another node has it. */
async function allowNonlocalBind(node: TestbedNode): Promise<void> {
  await node.mustRun(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
}

function monitorEach(seconds: number) {
  return { name: 'monitor', interval: seconds, timeout: 60 };
}
