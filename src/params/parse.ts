import mri from 'mri';
import { Failure, type Problem } from '../failure/failure.ts';
import { absolutePath } from '../interface/domains.ts';
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

/** The texts of the parameters as somebody wrote them; what is absent is unset. */
type RawParams = Readonly<Partial<Record<ParameterName, string>>>;

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

/** A parameter that cannot be used, and why. */
export interface ParameterFault {
  readonly name: ParameterName;
  readonly problems: readonly Problem[];
}

/**
 * As `readParams`, for those that must go on with a value outside its domain: a monitor, which must not cost a healthy
 * Kamailio, and a diagnosis. Such a value is a fault, and something else stands in for it.
 */
export function readParamsWithFaults(invocation: Invocation): {
  readonly params: Params;
  readonly faults: readonly ParameterFault[];
} {
  const raw = readRaw(invocation);
  const faults: ParameterFault[] = [];
  const pairs = PARAMETER_NAMES.map((name) => {
    try {
      return [name, parseOne(name, raw[name], invocation.instance)];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      faults.push({ name, problems: error.problems });
      return [name, standIn(name, raw[name], invocation.instance)];
    }
  });
  // fromEntries forgets which name has which type; each value has just come out of its own row's parser.
  return { params: Object.freeze(Object.fromEntries(pairs)) as Params, faults };
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

/** As `readParams`, but takes only what stop needs, and never throws: what start would refuse falls back. */
export function readParamsForStop(invocation: Invocation): StopParams {
  return parseForStop(readRaw(invocation), invocation.instance);
}

/** The names of the flags that no parameter has; Pacemaker passes none, but a person mistypes. */
export function unknownFlags({ flags }: Invocation): string[] {
  return flags.map(nameOf).filter((name) => !isParameter(name));
}

function nameOf(flag: string): string {
  return flag.slice(2).split('=', 1)[0] ?? '';
}

function isParameter(name: string): boolean {
  const names: readonly string[] = PARAMETER_NAMES;
  return names.includes(name);
}

/** Collects the texts. */
function readRaw({ env, flags }: Invocation): RawParams {
  const raw: Partial<Record<ParameterName, string>> = {};
  for (const name of PARAMETER_NAMES) {
    const text = env[`OCF_RESKEY_${name}`];
    if (text !== undefined) raw[name] = blankIsEmpty(text);
  }
  // Pacemaker passes no flags, so its monitors do not pay for reading them.
  if (flags.length === 0) return raw;
  // Only flags that are parameters: mri has meanings of its own for others, such as --no-NAME.
  const known = flags.filter((flag) => isParameter(nameOf(flag)));
  const values = mri(known, { string: [...PARAMETER_NAMES] });
  for (const name of PARAMETER_NAMES) {
    const value: unknown = values[name];
    if (value !== undefined) raw[name] = blankIsEmpty(String(Array.isArray(value) ? value.at(-1) : value));
  }
  return raw;
}

/** pcs and crm_resource refuse to set a parameter to nothing, but take a blank: it means the same. */
function blankIsEmpty(text: string): string {
  return /^ +$/.test(text) ? '' : text;
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
function defaultPidfile(instance: string): string {
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

function standardPidfile(instance: string): string {
  return PARAMETERS.pidfile.default.replace(INSTANCE_MARK, () => instance);
}

/** What stop works with: it must not refuse, whatever the other parameters hold. */
export interface StopParams {
  readonly binary: string;
  readonly pidfile: string;
  readonly kamuser: string;
  /** Undefined where it cannot be used. */
  readonly port: number | undefined;
  /** Empty where it cannot be used. */
  readonly kamctlrc: string;
  readonly stop_grace: number | undefined;
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
    port: orElse(() => PARAMETERS.port.parse(raw.port ?? PARAMETERS.port.default), undefined),
    kamctlrc: orElse(() => PARAMETERS.kamctlrc.parse(raw.kamctlrc ?? PARAMETERS.kamctlrc.default), ''),
    stop_grace: orElse(() => PARAMETERS.stop_grace.parse(raw.stop_grace ?? ''), undefined),
    pidfileUsable: orElse(
      () => (raw.pidfile === undefined ? defaultPidfile(instance) : absolutePath(pidfile)) !== '',
      false,
    ),
    pidfileIsDefault: pidfile === standard,
  };
}

function orElse<T>(attempt: () => T, fallback: T): T {
  try {
    return attempt();
  } catch {
    return fallback;
  }
}
