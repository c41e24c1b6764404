import mri from 'mri';
import { PARAMETER_NAMES, type ParameterName } from '../interface/parameters.ts';
import type { Invocation } from '../ocf/invocation.ts';

/** The texts of the parameters as somebody wrote them; what is absent is unset. */
export type RawParams = Readonly<Partial<Record<ParameterName, string>>>;

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

/** Collects the texts: OCF_RESKEY_<name> of the environment, over which flags go. */
export function readRaw({ env, flags }: Invocation): RawParams {
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
