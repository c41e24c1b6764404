import { Failure, type Problem } from '../failure/failure.ts';
import {
  INSTANCE_MARK,
  PARAMETER_NAMES,
  PARAMETERS,
  type ParameterName,
  type Params,
} from '../interface/parameters.ts';
import { OCF_ERR_CONFIGURED } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { hasControl } from '../text/control-characters.ts';
import { oneLine } from '../text/one-line.ts';
import { isWildcard } from '../text/socket-address.ts';
import { readRaw } from './raw.ts';

/**
 * The parameters of an invocation: `OCF_RESKEY_<name>` from the environment, over which a flag
 * `--name=value` goes; checked, typed and frozen. Throws Failure OCF_ERR_CONFIGURED that names the first
 * parameter at fault, its value and the remedy.
 */
export function readParams(invocation: Invocation): Params {
  const { params, faults } = readParamsWithFaults(invocation);
  if (faults[0]) throw new Failure(faults[0].problems, OCF_ERR_CONFIGURED);
  return params;
}

/** Parameters, and what stands in for which of them. */
export interface Parsed {
  readonly params: Params;
  readonly faults: readonly ParameterFault[];
}

/** A parameter that cannot be used, and why. */
export interface ParameterFault {
  readonly name: ParameterName;
  /** What somebody wrote; undefined if the parameter is not set. */
  readonly text?: string | undefined;
  readonly problems: readonly Problem[];
}

/**
 * As `readParams`, for those that must go on with a value outside its domain: a monitor, which must not cost a healthy
 * Kamailio, and a diagnosis. Such a value is a fault, and something else stands in for it.
 */
export function readParamsWithFaults(invocation: Invocation): Parsed {
  const raw = readRaw(invocation);
  const faults: ParameterFault[] = [];
  const pairs = PARAMETER_NAMES.map((name) => {
    try {
      return [name, parseOne(name, raw[name], invocation.instance)];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      faults.push({ name, text: raw[name], problems: error.problems });
      return [name, standIn(name, raw[name], invocation.instance)];
    }
  });
  // fromEntries forgets which name has which type; each value has just come out of its own row's parser.
  const params = Object.freeze(Object.fromEntries(pairs)) as Params;
  return faults.length > 0 ? { params, faults } : combined(params);
}

/** Each value is within its domain, but two of them may not go together. */
function combined(params: Params): Parsed {
  if (isImpossible(params)) return withoutAddress(params);
  const [set, missing] = params.probe_tls_cert
    ? (['probe_tls_cert', 'probe_tls_key'] as const)
    : (['probe_tls_key', 'probe_tls_cert'] as const);
  if (!params[set] || params[missing]) return { params, faults: [] };
  const problem = {
    where: set,
    seen: `is set, but ${missing} is not`,
    remedy: 'set both, or none',
  };
  return { params, faults: [{ name: missing, problems: [problem] }] };
}

/**
 * With udp, tcp and udptcp Kamailio is told the loopback address, too, and cannot bind it beside a wildcard: "Address
 * already in use", by itself. With conf_* the wildcard is allowed.
 */
function isImpossible({ listen_address, proto }: Params): boolean {
  return isWildcard(listen_address) && !proto.startsWith('conf_');
}

function withoutAddress(params: Params): Parsed {
  const problem = {
    where: `listen_address=${params.listen_address}`,
    seen: `stands for all addresses, and proto=${params.proto} adds the loopback address, which cannot be bound twice`,
    remedy: 'name an address, or set proto to conf_udp, conf_tcp or conf_udptcp and listen in kamailio.cfg',
  };
  return {
    params: Object.freeze({ ...params, listen_address: UNKNOWN_ADDRESS }),
    faults: [{ name: 'listen_address', problems: [problem] }],
  };
}

/** Stands in for an address that nobody gave (RFC 5737: nobody's). Never polled. */
const UNKNOWN_ADDRESS = '192.0.2.0';

/** What is worked with in place of a text that cannot be used. */
function standIn(name: ParameterName, text: string | undefined, instance: string): Params[ParameterName] {
  switch (name) {
    // The text names the processes all the same: a stop goes by it, and a monitor must see what a stop sees.
    case 'pidfile':
      return text ?? standardPidfile(instance);
    // The default is another instance's control plane.
    case 'kamctlrc':
      return '';
    case 'listen_address':
      return UNKNOWN_ADDRESS;
    default:
      return PARAMETERS[name].parse(PARAMETERS[name].default);
  }
}

function parseOne(name: ParameterName, text: string | undefined, instance: string): Params[ParameterName] {
  const row = PARAMETERS[name];
  const { default: fallback, parse } = row;
  if ('required' in row && !text) {
    throw new Failure(
      {
        seen: `required parameter ${name} is missing: ${row.long.replace(/\.$/, '')}`,
        remedy: `set it with \`pcs resource update RESOURCE ${name}=...\``,
      },
      OCF_ERR_CONFIGURED,
    );
  }
  if (name === 'pidfile' && text === undefined) return defaultPidfile(instance);
  try {
    return parse(text ?? fallback);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.at(`${name}=${oneLine(text ?? fallback, 120)}`), OCF_ERR_CONFIGURED);
  }
}

/**
 * The pidfile of an instance for which none is set.
 * Throws Failure OCF_ERR_CONFIGURED for a name that would lead the path elsewhere or hide in a log.
 */
export function defaultPidfile(instance: string): string {
  if (instance.includes('/') || hasControl(instance)) {
    throw new Failure(
      {
        seen: `the resource's name "${oneLine(instance, 120)}" holds a "/" or a control character and cannot name its pidfile`,
        remedy: 'set the parameter pidfile',
      },
      OCF_ERR_CONFIGURED,
    );
  }
  return standardPidfile(instance);
}

/** The pidfile of an instance of any name. */
export function standardPidfile(instance: string): string {
  return PARAMETERS.pidfile.default.replace(INSTANCE_MARK, () => instance);
}
