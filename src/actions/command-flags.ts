import { Failure } from '../failure/failure.ts';
import { OCF_ERR_ARGS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { oneLine } from '../text/one-line.ts';

/** The value of `--NAME=VALUE`, the last if there are several; undefined without such a flag. */
export function flagValue({ flags }: Invocation, name: string): string | undefined {
  const begin = `--${name}=`;
  return flags.findLast((flag) => flag.startsWith(begin))?.slice(begin.length);
}

/** Whether `--NAME` is there. */
export function hasFlag({ flags }: Invocation, name: string): boolean {
  return flags.includes(`--${name}`);
}

/** The value of a flag that takes one of a few, the first if it is not there. Throws Failure OCF_ERR_ARGS for another. */
export function oneOf<const T extends string>(
  invocation: Invocation,
  name: string,
  values: readonly [T, ...T[]],
): T {
  const given = flagValue(invocation, name) ?? values[0];
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  throw new Failure(
    { seen: `--${name}=${oneLine(given, 40)} is neither ${values.join(' nor ')}` },
    OCF_ERR_ARGS,
  );
}
