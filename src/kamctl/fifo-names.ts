import { join } from 'node:path';
import { agentMark, isGone, MARK_PATTERN } from '../process/agent-mark.ts';
import { randomDigits } from '../system/random.ts';

/** The most of a pidfile's path that goes into the spare FIFO's name; names of files have at most 255 bytes. */
const SPARE_PATH_LENGTH = 200;
/** The most of it that goes into the names of the other FIFOs. */
const PATH_LENGTH = 60;
/** The longest path that Kamailio can open a reply FIFO by (jsonrpcs, JSONRPC_MAX_FILENAME), bytes. */
const KAMAILIO_PATH_LENGTH = 127;
/** 96 bits that nobody can guess. */
const RANDOM_DIGITS = 24;
/** What stands behind the prefix: pid, start time and random digits, each with `_` before it. */
const REST_LENGTH = 1 + 10 + 1 + 12 + 1 + RANDOM_DIGITS;

const PREFIX = 'kamailio_ocf';

/**
 * The path of an instance's spare FIFO. A FIFO for a reply costs a monitor a process of its own, mkfifo. So a start
 * leaves the one that it has used under this name, each monitor moves it to a name that nobody can guess and back
 * again, and a stop removes it. Two instances whose pidfiles come to the same name do no harm to each other: an
 * agent that finds none there makes one.
 */
export function spareFifoPath(replyDirectory: string, pidfile: string): string {
  return join(replyDirectory, `${PREFIX}_spare${lastOf(pidfile, SPARE_PATH_LENGTH)}`);
}

/**
 * What the names of all reply FIFOs of an instance begin with: as much of its pidfile's path as Kamailio's limit
 * leaves room for. A CHROOT_DIR is a part of the directory for the agent, but not for Kamailio.
 */
export function replyFifoPrefix(replyDirectory: string, pidfile: string): string {
  const room = KAMAILIO_PATH_LENGTH - `${replyDirectory}/${PREFIX}_`.length - REST_LENGTH;
  return `${PREFIX}_${lastOf(pidfile, Math.min(room, PATH_LENGTH)).replace(/^_/, '')}`;
}

/** A new name for a reply FIFO of this agent. Letters, digits and `_` only: Kamailio refuses dots and slashes. */
export function newReplyFifoName(prefix: string): string {
  return `${prefix}_${agentMark()}_${randomDigits().slice(-RANDOM_DIGITS)}`;
}

/** Whether a name is that of a reply FIFO of this instance whose agent is gone. */
export function isLeftBehind(name: string, prefix: string): boolean {
  if (!name.startsWith(`${prefix}_`)) return false;
  const rest = new RegExp(`^_${MARK_PATTERN}_[\\da-f]{${RANDOM_DIGITS}}$`).exec(name.slice(prefix.length));
  return rest !== null && isGone(rest[1] ?? '', rest[2] ?? '');
}

/** The last characters of a pidfile's path, in letters, digits and `_`. */
function lastOf(pidfile: string, length: number): string {
  const name = pidfile.replaceAll(/[^\dA-Za-z]+/g, '_');
  return name.slice(Math.max(0, name.length - Math.max(0, length)));
}
