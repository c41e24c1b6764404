import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AGENT } from './agent.ts';

/** An account without privileges, and an agent that it may read and run. */
export interface OrdinaryUser {
  readonly uid: number;
  readonly gid: number;
  /** The agent's copy. */
  readonly agent: string;
  /** A PATH on which this account finds a Node.js that it may execute. */
  readonly path: string;
}

/** Numbers of an account of this machine, or of the one with this root. Throws when there is none of that name. */
export function account(name: string, root = ''): { readonly uid: number; readonly gid: number } {
  const line = readFileSync(`${root}/etc/passwd`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  if (!line) throw new Error(`${root || 'this machine'} has no account ${name}`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Makes the agent available to `nobody` in `directory`, which that account must be able to enter: a clone of
 * the project may lie below /root.
 */
export function ordinaryUser(directory: string): OrdinaryUser {
  const { uid, gid } = account('nobody');
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const agent = join(bin, 'kamailio');
  copyFileSync(AGENT, agent);
  // The script's; the binary has none beside it.
  const type = join(dirname(AGENT), 'package.json');
  if (existsSync(type)) copyFileSync(type, join(bin, 'package.json'));
  chmodSync(agent, 0o755);
  const path = process.env.PATH ?? '';
  const found = spawnSync('/usr/bin/env', ['node', '-e', '0'], { env: { PATH: path }, uid, gid });
  if (found.status === 0) return { uid, gid, agent, path };
  copyFileSync(process.execPath, join(bin, 'node'));
  chmodSync(join(bin, 'node'), 0o755);
  return { uid, gid, agent, path: bin };
}
