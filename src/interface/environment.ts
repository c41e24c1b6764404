import { Failure } from '../failure/failure.ts';
import { words } from './domains.ts';
import { row } from './parameter-row.ts';

/** The row of `environment`. */
export const ENVIRONMENT = row({
  type: 'string',
  default: '',
  parse: environment,
  short: "More of Kamailio's environment",
  long: `What kamailio.cfg reads with $env(NAME) and #!defenv, as NAME=value words, like the Environment= of a systemd unit: "SITE=berlin GREETING='good day'". Quotes hold words together. Nothing is expanded. The agent's own environment is there as well.

Refused are LD_*, GCONV_PATH and GLIBC_TUNABLES, with which the system's loader would load or change code, also in the programs that start Kamailio, and OCF_*, which are the cluster's.`,
});

/** Variables by their names. */
type Variables = Readonly<Record<string, string>>;

/** What ld.so(8) and the C library act upon before Kamailio does anything, while root starts it. */
const LOADERS = /^(LD_.*|GCONV_PATH|GLIBC_TUNABLES)$/;

/** Splits a text into variables; of two with one name the last counts. Throws Failure. */
function environment(text: string): Variables {
  return Object.freeze(Object.fromEntries(words(text).map(variable)));
}

function variable(word: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
  if (name === undefined || value === undefined)
    throw new Failure({
      seen: `"${word.split('=', 1)[0]}" is no NAME=value`,
      remedy: 'write NAME=value words; quotes hold a value with blanks together',
    });
  if (LOADERS.test(name))
    throw new Failure({ seen: `holds ${name}, with which the system loads other code`, remedy: 'remove it' });
  if (name.startsWith('OCF_'))
    throw new Failure({ seen: `holds ${name}, which is the cluster's`, remedy: 'remove it' });
  return [name, value];
}
