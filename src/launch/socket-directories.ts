import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Account } from '../process/account.ts';
import { ensureDirectory } from '../process/directory.ts';
import { checkWay } from '../process/directory-check.ts';
import { commandAs, mustChange } from '../process/run-as.ts';
import { runProgram } from '../system/run-program.ts';
import { configuredArguments } from './command-line.ts';

/** What came of the missing directories of Kamailio's sockets. */
export interface SocketDirectories {
  readonly made: readonly string[];
  /** Those that could not be made, each with why. */
  readonly missing: readonly string[];
}

const PRINT_LIMIT_MS = 5000;

/** Whether Kamailio's words may be about a directory that is not there. They seldom name it. */
export function mayLackDirectory(words: readonly string[]): boolean {
  return words.some((line) => /no such file or directory|failed to create runtime dir/i.test(line));
}

/**
 * Makes the directories in which kamailio.cfg has sockets and FIFOs (ctl's binrpc, jsonrpcs' dgram_socket and fifo_name,
 * run_dir), as far as they are missing: /run is empty after a boot. Kamailio itself makes run_dir only where its account
 * may. Looked for after a launch that failed, so that a start that succeeds need not ask. Never throws.
 */
export function makeSocketDirectories(
  params: Params,
  account: Account | undefined,
  words: readonly string[],
  deadline: Deadline,
): SocketDirectories {
  const made: string[] = [];
  const missing: string[] = [];
  const named = words.flatMap((line) => /failed to create runtime dir (\/[^\s,]+)/i.exec(line)?.[1] ?? []);
  const paths = [...named, ...socketPaths(configurationText(params, account, deadline)).map(dirname)];
  for (const path of new Set(paths.map((one) => resolve(one)))) {
    if (existsSync(path)) continue;
    try {
      if (!isHarmless(path, account))
        throw new Failure({ seen: 'root makes there only what is called kamailio...' });
      ensureDirectory(path, account, 'as it is');
      made.push(path);
    } catch (error) {
      missing.push(`${path} (${error instanceof Error ? error.message : error})`);
    }
  }
  return { made, missing };
}

/** kamailio.cfg with its includes and definitions resolved, or as it stands where Kamailio cannot print it (an old one). */
function configurationText(params: Params, account: Account | undefined, deadline: Deadline): string {
  const words = ['--cfg-print', '-f', params.conffile, ...configuredArguments(params)];
  const { program, args, env } = commandAs(account, params.binary, words);
  try {
    const limitMs = deadline.sooner(PRINT_LIMIT_MS).remaining;
    const { status, stdout } = runProgram(program, args, { env: { ...env, ...params.environment }, limitMs });
    return status === 0 && stdout.includes('modparam') ? stdout : readFileSync(params.conffile, 'utf8');
  } catch {
    return '';
  }
}

const SOCKETS =
  /^\s*(?:modparam\s*\(\s*["'][^"']*["']\s*,\s*["'](?:binrpc|fifo|dgram_socket|fifo_name)["']\s*,\s*|run_?dir\s*=\s*)(?:["']([^"'\n]+)["']|(\w+))/gm;

/** The absolute paths of sockets and FIFOs; `unixs:/PATH` and `fifo:/PATH` as ctl has them. */
function socketPaths(configuration: string): string[] {
  const text = substituted(configuration);
  const defined = new Map(
    [...text.matchAll(/^[#!]!(?:try|re)?def(?:ine)?\s+(\w+)\s+["']?([^"'\n]+)["']?\s*$/gm)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  );
  return [...text.matchAll(SOCKETS)].flatMap(([line, quoted, name = '']) => {
    const path = (quoted ?? defined.get(name) ?? '').replace(/^(?:unix[sd]?|fifo):/i, '');
    if (!path.startsWith('/')) return [];
    return /^\s*run/.test(line) ? [`${path}/.`] : [path];
  });
}

/** With `#!substdef "!ID!VALUE!g"` carried out, which Kamailio prints as it stands. */
function substituted(text: string): string {
  const rules = [...text.matchAll(/^[#!]!substdefs?\s+"(.)(\w+)\1(.*?)\1g?"/gm)];
  return rules.reduce((changed, [, , id = '', value = '']) => changed.replaceAll(id, () => value), text);
}

/**
 * kamailio.cfg, or a file that it includes, may belong to Kamailio's account, and root must not be led to give that account
 * a directory such as /run/tmpfiles.d. So root makes only what Kamailio could make itself, and directories of Kamailio's
 * own name in /run.
 */
function isHarmless(path: string, account: Account | undefined): boolean {
  if (!account || !mustChange(account)) return true;
  return (
    /^\/(?:var\/)?run\/kamailio[^/]*(?:\/|$)/.test(path) || checkWay(path, account) === 'the account, too'
  );
}
