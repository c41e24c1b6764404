import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import type { TestbedNode } from '../testbed/node.ts';
import type { Testbed } from '../testbed/testbed.ts';
import { DATABASE } from './configuration.ts';

/** A scenario of SIPp: NAME-0, NAME-1, ... register a contact, and are told 200. */
const SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
<send retrans="500"><![CDATA[

REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[service]-[call_number]@[remote_ip]>;tag=[pid]x[call_number]
To: <sip:[service]-[call_number]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[service]-[call_number]@[local_ip]:[local_port]>;expires=3600
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
`;

/** Registers so many callers from outside. Throws when one is not answered with 200. */
export async function register(testbed: Testbed, name: string, callers: number): Promise<void> {
  await testbed.outside.run(['sh', '-c', 'cat >/run/register.xml'], { input: SCENARIO });
  const address = ['-i', testbed.outside.address, '-p', '5080', `${SERVICE_ADDRESS}:5060`];
  const amount = ['-m', String(callers), '-r', '200', '-nostdin', '-timeout', '20s'];
  const argv = ['sipp', '-sf', '/run/register.xml', '-s', name, ...amount, ...address];
  const { code, stdout, stderr } = await testbed.outside.run(argv, { env: { TERM: 'dumb' } });
  if (code !== 0) throw new Error(`SIPp ended with ${code}: ${stderr || stdout}`);
}

/** How many of these callers are in a node's database. */
export async function registered(node: TestbedNode, name: string): Promise<number> {
  const query = `select count(*) from location where username glob '${name}-*'`;
  return Number(await node.mustRun(['sqlite3', DATABASE, query]));
}
