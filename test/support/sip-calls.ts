import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockOf } from './page.ts';

/** Calls by SIPp over a Kamailio that holds them in memory. */
export const SIPP = '/usr/bin/sipp';

const MODULES = `loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "siputils.so"
`;

/** The lines of the page on maintenance for the global part of kamailio.cfg, with what they need. */
export const DRAIN_CONFIG = `${MODULES}${blockOf('maintenance.md', 'loadmodule "dialog.so"')}`;

/**
 * Its lines for request_route, before those of a platform that has its calls in memory alone: it answers 481 to whatever
 * belongs to no call that it knows. It sends each call to `callee`.
 */
export function drainRoute(callee: string): string {
  return `${blockOf('maintenance.md', 'if ($sel')}
    if (is_method("OPTIONS") && $rU == "monitor") { sl_send_reply("200", "OK"); exit; }
    if (has_totag()) {
        loose_route();
        if (!is_known_dlg()) { sl_send_reply("481", "Unknown call"); exit; }
        t_relay();
        exit;
    }
    if (is_method("INVITE")) { record_route(); $du = "sip:${callee}"; }
    t_relay();
    exit;
`;
}

function message(...lines: readonly string[]): string {
  return `<![CDATA[\n\n${[...lines, 'Content-Length: 0'].join('\n')}\n\n]]>`;
}

const SAME = ['[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]'];
const CALLEE = `<recv request="INVITE"/>
<send retrans="500">${message('SIP/2.0 200 OK', '[last_Via:]', '[last_Record-Route:]', '[last_From:]', '[last_To:];tag=[call_number]', '[last_Call-ID:]', '[last_CSeq:]', 'Contact: <sip:[local_ip]:[local_port]>')}</send>
<recv request="ACK"/>
<recv request="BYE"/>
<send>${message('SIP/2.0 200 OK', ...SAME)}</send>`;

function request(method: string, uri: string, cseq: number, ...more: readonly string[]): string {
  return message(
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]',
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:caller@[local_ip]:[local_port]>',
    'Max-Forwards: 70',
    ...more,
  );
}

/** A call is cut if its BYE is not answered with 200. */
const CALLER = `<send retrans="500">${request('INVITE', 'sip:callee@[remote_ip]:[remote_port]', 1, 'To: <sip:callee@[remote_ip]>')}</send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
<send>${request('ACK', '[next_url]', 1, '[routes]', '[last_To:]')}</send>
<pause/>
<send retrans="500">${request('BYE', '[next_url]', 2, '[routes]', '[last_To:]')}</send>
<recv response="200" timeout="8000"/>`;

/** Writes SIPp's scenarios to a directory. */
export function writeScenarios(directory: string): void {
  for (const [name, steps] of Object.entries({ callee: CALLEE, caller: CALLER }))
    writeFileSync(
      join(directory, `${name}.xml`),
      `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="${name}">\n${steps}\n</scenario>\n`,
    );
}

/** Who makes calls, and which. */
export interface Calls {
  /** Where `writeScenarios` wrote, and the tally goes. */
  readonly directory: string;
  /** IPv4 address of caller and callee. */
  readonly own: string;
  /** `ADDRESS:PORT` of Kamailio. */
  readonly proxy: string;
  readonly calleePort: number;
  readonly callerPort: number;
  readonly count: number;
  /** How long each call lasts, s. */
  readonly seconds: number;
}

/** The command of whoever answers the calls; it goes on until it is ended. */
export function calleeCommand({ directory, own, proxy, calleePort }: Calls): readonly string[] {
  const socket = ['-i', own, '-p', String(calleePort), '-t', 'u1'];
  return ['env', 'TERM=dumb', SIPP, '-sf', join(directory, 'callee.xml'), ...socket, '-nostdin', proxy];
}

/** The command that makes all calls within two seconds, and ends when they have; code 0 if none failed. */
export function callerCommand(calls: Calls): readonly string[] {
  const { directory, own, proxy, callerPort, count, seconds } = calls;
  const socket = ['-i', own, '-p', String(callerPort), '-t', 'u1'];
  const load = ['-m', String(count), '-r', String(Math.ceil(count / 2)), '-d', String(seconds * 1000)];
  const tally = ['-trace_stat', '-fd', '1', '-stf', tallyFile(calls)];
  const scenario = ['-sf', join(directory, 'caller.xml'), '-nostdin'];
  return ['env', 'TERM=dumb', SIPP, ...scenario, ...socket, ...load, ...tally, proxy];
}

function tallyFile({ directory, callerPort }: Calls): string {
  return join(directory, `tally-${callerPort}.csv`);
}

/** How many calls ended as they should, and how many did not, once the caller has ended. */
export function tallyOf(calls: Calls): { readonly kept: number; readonly cut: number } {
  const [head = '', ...lines] = readFileSync(tallyFile(calls), 'utf8').trim().split('\n');
  const names = head.split(';');
  const values = lines.at(-1)?.split(';') ?? [];
  const value = (name: string) => Number(values[names.indexOf(name)]);
  return { kept: value('SuccessfulCall(C)'), cut: value('FailedCall(C)') };
}
