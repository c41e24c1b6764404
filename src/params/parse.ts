import mri from 'mri';
import { hasControl } from '../control-characters.ts';
import { Failure, type Problem } from '../failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { oneLine } from '../ocf/one-line.ts';
import { INSTANCE_MARK, PARAMETER_NAMES, PARAMETERS, type ParameterName, type Params } from './table.ts';
import { absolutePath } from './values.ts';

/** The texts of the parameters as somebody wrote them; what is absent is unset. */
type RawParams = Readonly<Partial<Record<ParameterName, string>>>;

/**
 * The parameters of an invocation: `OCF_RESKEY_<name>` from the environment, over which a flag
 * `--name=value` goes; checked, typed and frozen. Throws Failure `configured` that names the first
 * parameter at fault, its value and the remedy.
 */
export function readParams(invocation: Invocation): Params {
  const unknown: string[] = [];
  const raw = readRaw(invocation, unknown);
  if (unknown[0] !== undefined) {
    throw new Failure(
      {
        seen: `--${oneLine(unknown[0], 80)} is no parameter of this agent`,
        remedy: '`kamailio help` lists those it has',
      },
      ExitCode.configured,
    );
  }
  return parseParams(raw, invocation.instance);
}

/** A parameter that cannot be used, and why. */
export interface ParameterFault {
  readonly name: ParameterName;
  readonly problems: readonly Problem[];
}

/**
 * As `readParams`, for a diagnosis that goes on after the first fault: a value outside its domain is told
 * and its default taken instead, for the required listen_address nothing.
 */
export function readParamsWithFaults(invocation: Invocation): {
  readonly params: Params;
  readonly faults: readonly ParameterFault[];
} {
  const raw: Partial<Record<ParameterName, string>> = { ...readRaw(invocation, []) };
  const faults: ParameterFault[] = [];
  for (const name of PARAMETER_NAMES) {
    try {
      parseOne(name, raw[name], invocation.instance);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      faults.push({ name, problems: error.problems });
      raw[name] = name === 'listen_address' ? UNKNOWN_ADDRESS : PARAMETERS[name].default;
    }
  }
  return { params: parseParams(raw, invocation.instance), faults };
}

/** Stands in for an address that nobody gave (RFC 5737: nobody's). */
const UNKNOWN_ADDRESS = '192.0.2.0';

/** As `readParams`, but takes only what stop needs, and never throws: what start would refuse falls back. */
export function readParamsForStop(invocation: Invocation): StopParams {
  return parseForStop(readRaw(invocation, []), invocation.instance);
}

/** Collects the texts; names that are no parameter's go to `unknown`. */
function readRaw({ env, flags }: Invocation, unknown: string[]): RawParams {
  const raw: Partial<Record<ParameterName, string>> = {};
  for (const name of PARAMETER_NAMES) {
    const text = env[`OCF_RESKEY_${name}`];
    if (text !== undefined) raw[name] = blankIsEmpty(text);
  }
  // Pacemaker passes no flags, so its monitors do not pay for reading them.
  if (flags.length === 0) return raw;
  const names: readonly string[] = PARAMETER_NAMES;
  const nameOf = (flag: string) => flag.slice(2).split('=', 1)[0] ?? '';
  unknown.push(...flags.map(nameOf).filter((name) => !names.includes(name)));
  // Only flags that are parameters: mri has meanings of its own for others, such as --no-NAME.
  const known = flags.filter((flag) => names.includes(nameOf(flag)));
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

function parseParams(raw: RawParams, instance: string): Params {
  const pairs = PARAMETER_NAMES.map((name) => [name, parseOne(name, raw[name], instance)]);
  // fromEntries forgets which name has which type; each value has just come out of its own row's parser.
  return Object.freeze(Object.fromEntries(pairs)) as Params;
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
      ExitCode.configured,
    );
  }
  if (name === 'pidfile' && text === undefined) return defaultPidfile(instance);
  try {
    return parse(text ?? fallback);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.at(`${name}=${oneLine(text ?? fallback, 120)}`), ExitCode.configured);
  }
}

/**
 * The pidfile of an instance for which none is set.
 * Throws Failure `configured` for a name that would lead the path elsewhere or hide in a log.
 */
function defaultPidfile(instance: string): string {
  if (instance.includes('/') || hasControl(instance)) {
    throw new Failure(
      {
        seen: `the resource's name "${oneLine(instance, 120)}" holds a "/" or a control character and cannot name its pidfile`,
        remedy: 'set the parameter pidfile',
      },
      ExitCode.configured,
    );
  }
  return PARAMETERS.pidfile.default.replace(INSTANCE_MARK, () => instance);
}

/** What stop works with: it must not refuse, whatever the other parameters hold. */
export interface StopParams {
  readonly binary: string;
  readonly pidfile: string;
  readonly kamuser: string;
  /** Empty where it cannot be used. */
  readonly kamctlrc: string;
  readonly stop_grace: number | undefined;
  /** The pidfile is one that start would accept: its file may be removed. Else it only names the processes. */
  readonly pidfileUsable: boolean;
  /** The pidfile is the default one: its directory is the agent's to remove. */
  readonly pidfileIsDefault: boolean;
}

function parseForStop(raw: RawParams, instance: string): StopParams {
  const standard = PARAMETERS.pidfile.default.replace(INSTANCE_MARK, () => instance);
  const pidfile = raw.pidfile ?? standard;
  return {
    binary: orElse(
      () => PARAMETERS.binary.parse(raw.binary ?? PARAMETERS.binary.default),
      PARAMETERS.binary.default,
    ),
    pidfile,
    kamuser: orElse(() => PARAMETERS.kamuser.parse(raw.kamuser ?? ''), ''),
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
