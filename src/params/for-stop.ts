import { absolutePath } from '../interface/domains.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { defaultPidfile, standardPidfile } from './parse.ts';
import { type RawParams, readRaw } from './raw.ts';

/** As `readParams`, but takes only what stop needs, and never throws: what start would refuse falls back. */
export function readParamsForStop(invocation: Invocation): StopParams {
  return parseForStop(readRaw(invocation), invocation.instance);
}

/** What stop works with: it must not refuse, whatever the other parameters hold. */
export interface StopParams {
  readonly binary: string;
  readonly pidfile: string;
  readonly kamuser: string;
  /** The UDP socket of the service; empty where there is none, or it cannot be used. */
  readonly udpAddress: string;
  /** Undefined where it cannot be used. */
  readonly port: number | undefined;
  /** Empty where it cannot be used. */
  readonly kamctlrc: string;
  readonly stop_grace: number | undefined;
  readonly core_on_kill: boolean;
  /** Whether drain is set, to whatever. */
  readonly drains: boolean;
  /** The pidfile is one that start would accept: its file may be removed. Else it only names the processes. */
  readonly pidfileUsable: boolean;
  /** The pidfile is the default one: its directory is the agent's to remove. */
  readonly pidfileIsDefault: boolean;
}

function parseForStop(raw: RawParams, instance: string): StopParams {
  const standard = standardPidfile(instance);
  const pidfile = raw.pidfile ?? standard;
  return {
    binary: orElse(
      () => PARAMETERS.binary.parse(raw.binary ?? PARAMETERS.binary.default),
      PARAMETERS.binary.default,
    ),
    pidfile,
    kamuser: orElse(() => PARAMETERS.kamuser.parse(raw.kamuser ?? ''), ''),
    udpAddress: orElse(() => udpAddress(raw), ''),
    port: orElse(() => PARAMETERS.port.parse(raw.port ?? PARAMETERS.port.default), undefined),
    kamctlrc: orElse(() => PARAMETERS.kamctlrc.parse(raw.kamctlrc ?? PARAMETERS.kamctlrc.default), ''),
    stop_grace: orElse(() => PARAMETERS.stop_grace.parse(raw.stop_grace ?? ''), undefined),
    core_on_kill: orElse(() => PARAMETERS.core_on_kill.parse(raw.core_on_kill ?? 'off'), false),
    drains: (raw.drain ?? '') !== '',
    pidfileUsable: orElse(
      () => (raw.pidfile === undefined ? defaultPidfile(instance) : absolutePath(pidfile)) !== '',
      false,
    ),
    pidfileIsDefault: pidfile === standard,
  };
}

function udpAddress(raw: RawParams): string {
  const proto = PARAMETERS.proto.parse(raw.proto ?? PARAMETERS.proto.default);
  return proto.includes('udp') ? PARAMETERS.listen_address.parse(raw.listen_address ?? '') : '';
}

function orElse<T>(attempt: () => T, fallback: T): T {
  try {
    return attempt();
  } catch {
    return fallback;
  }
}
