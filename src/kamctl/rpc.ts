import { closeSync, readSync } from 'node:fs';
import { cleanUpAtExit } from '../at-exit.ts';
import { nextTurn, now } from '../clock.ts';
import type { Deadline } from '../deadline.ts';
import { errorCode } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { oneLine } from '../ocf/one-line.ts';
import type { ControlSettings } from './kamctlrc.ts';
import { openReplyFifo, type ReplyFifo } from './reply-fifo.ts';
import { openRequestFifo, writeRequest } from './request-fifo.ts';
import type { Owner } from './spare-fifo.ts';

/** The id is the end of the FIFO's name: one random value does for both, as nobody but Kamailio can write there. */
const ID_DIGITS = 6;

/** No reply that the agent asks for is larger: bytes. */
const REPLY_LIMIT_BYTES = 262_144;

/**
 * Sends one JSON-RPC 2.0 request to Kamailio over its FIFO and returns the `result` of the reply
 * (jsonrpcs module; `reply_name` is its extension for the FIFO that the reply comes to). A start leaves that FIFO
 * for the monitors that follow (`leavesSpare`).
 * Throws Failure for everything that is no result, at `deadline` the latest.
 */
export async function callRpc(
  settings: ControlSettings,
  owner: Owner,
  method: string,
  params: readonly string[],
  deadline: Deadline,
  leavesSpare = false,
): Promise<unknown> {
  const request = openRequestFifo(settings.fifo);
  let reply: ReplyFifo | undefined;
  const removeReply = cleanUpAtExit(() => reply?.remove());
  try {
    const spare = { path: settings.spareFifo, isToBeLeft: leavesSpare };
    reply = openReplyFifo(settings.replyDirectory, owner, spare);
    const id = Number.parseInt(reply.name.slice(-ID_DIGITS), 16);
    const text = JSON.stringify({
      jsonrpc: '2.0',
      method,
      ...(params.length > 0 && { params }),
      reply_name: reply.name,
      id,
    });
    writeRequest(request, `${text}\n`, settings.fifo);
    const received = await readReply(reply.fd, deadline);
    if (received === undefined) reply.checkInPlace();
    const result = resultOf(received, id, method, settings.fifo);
    // At the deadline a reply may be complete without its end having come: more may follow, to whoever reads there next.
    if (!deadline.passed) reply.release();
    return result;
  } finally {
    removeReply();
    if (reply) closeSync(reply.fd);
    closeSync(request);
  }
}

/** Kamailio mostly answers within this time, in which the FIFO is looked at without a pause, ms. */
const EAGER_MS = 2;

/**
 * Reads until the writer closes; undefined when nothing has come by the deadline. The FIFO is looked at
 * again and again, soon every millisecond: a stream of node:net costs a monitor more.
 */
async function readReply(fd: number, deadline: Deadline): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  const text = () => Buffer.concat(chunks).toString('utf8');
  const eagerUntil = now() + EAGER_MS;
  for (const buffer = Buffer.alloc(65_536); ; await (now() < eagerUntil ? nextTurn() : deadline.pause(1))) {
    for (let length = readSome(fd, buffer); length !== 'nothing yet'; length = readSome(fd, buffer)) {
      // No writer has been there yet, or the last one has closed: only then is the reply complete.
      if (length === 0 && size > 0) return text();
      if (length === 0) break;
      chunks.push(Buffer.from(buffer.subarray(0, length)));
      size += length;
      if (size > REPLY_LIMIT_BYTES) {
        throw new Failure({
          seen: `the reply is longer than ${REPLY_LIMIT_BYTES} bytes`,
          remedy: "find out what reads the FIFO in Kamailio's place",
        });
      }
    }
    if (deadline.passed) return size > 0 ? text() : undefined;
  }
}

/** What is in the pipe right now: its length, 0 at the end or before the first writer. */
function readSome(fd: number, buffer: Buffer): number | 'nothing yet' {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return 'nothing yet';
    throw error;
  }
}

function resultOf(text: string | undefined, id: number, method: string, fifo: string): unknown {
  if (text === undefined) {
    throw new Failure({
      seen: `no reply to ${method} over ${fifo}`,
      remedy:
        "Kamailio's RPC process is hung or may not write to the reply directory; see its log, then restart the resource",
    });
  }
  const reply = parseObject(text);
  if (!reply)
    throw new Failure({
      seen: `the reply to ${method} over ${fifo} is no JSON: ${oneLine(text, 80)}`,
      remedy: 'find out what reads that FIFO',
    });
  if ('error' in reply) {
    throw new Failure({
      seen: `${method} over ${fifo} was answered with an error: ${oneLine(JSON.stringify(reply.error), 200)}`,
      remedy: "see Kamailio's log",
    });
  }
  if (reply.id !== id || !('result' in reply)) {
    throw new Failure({
      seen: `the reply over ${fifo} answers another request: ${oneLine(text, 80)}`,
      remedy: 'find out what else reads or writes that FIFO',
    });
  }
  return reply.result;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
