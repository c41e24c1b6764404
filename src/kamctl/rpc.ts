import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Deadline } from '../deadline.ts';
import { oneLine } from '../ocf/one-line.ts';
import { randomHex } from '../random.ts';
import type { ControlSettings } from './kamctlrc.ts';
import { makeReplyFifo, type ReplyFifo } from './reply-fifo.ts';
import { openRequestFifo, writeRequest } from './request-fifo.ts';
import { RpcFailure } from './rpc-failure.ts';

/** Numbers of the account that Kamailio runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** No reply that the agent asks for is larger: bytes. */
const REPLY_LIMIT_BYTES = 262_144;

/**
 * Sends one JSON-RPC 2.0 request to Kamailio over its FIFO and returns the `result` of the reply
 * (jsonrpcs module; `reply_name` is its extension for the FIFO that the reply comes to).
 * Throws RpcFailure for everything that is no result, at `deadline` the latest.
 */
export async function callRpc(
  settings: ControlSettings,
  owner: Owner,
  method: string,
  params: readonly string[],
  deadline: Deadline,
): Promise<unknown> {
  const request = openRequestFifo(settings.fifo);
  let reply: ReplyFifo | undefined;
  let reading = false;
  // The executor ends an agent that is late with SIGTERM: leave no FIFO behind then either.
  const onTerminate = () => {
    reply?.remove();
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('SIGTERM', onTerminate);
  try {
    reply = makeReplyFifo(settings.replyDirectory, owner);
    const id = Number.parseInt(randomHex(3), 16);
    const text = JSON.stringify({
      jsonrpc: '2.0',
      method,
      ...(params.length > 0 && { params }),
      reply_name: reply.name,
      id,
    });
    writeRequest(request, `${text}\n`, settings.fifo);
    reading = true;
    return resultOf(await readReply(reply.fd, deadline), id, method, settings.fifo);
  } finally {
    process.off('SIGTERM', onTerminate);
    reply?.remove();
    if (reply && !reading) closeSync(reply.fd);
    closeSync(request);
  }
}

/** Reads until the writer closes; undefined when nothing has come by the deadline. */
function readReply(fd: number, deadline: Deadline): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const stream = new Socket({ fd, readable: true, writable: false });
    const chunks: Buffer[] = [];
    let size = 0;
    const text = () => Buffer.concat(chunks).toString('utf8');
    const expiry = setTimeout(() => finish(() => resolve(size > 0 ? text() : undefined)), deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      stream.destroy();
      settle();
    };
    stream.on('error', (error) => finish(() => reject(error)));
    stream.on('end', () => finish(() => resolve(text())));
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > REPLY_LIMIT_BYTES) {
        finish(() =>
          reject(
            new RpcFailure(
              `the reply is longer than ${REPLY_LIMIT_BYTES} bytes`,
              "find out what reads the FIFO in Kamailio's place",
            ),
          ),
        );
      }
    });
  });
}

function resultOf(text: string | undefined, id: number, method: string, fifo: string): unknown {
  if (text === undefined) {
    throw new RpcFailure(
      `no reply to ${method} over ${fifo}`,
      "Kamailio's RPC process is hung or may not write to the reply directory; see its log, then restart the resource",
    );
  }
  const reply = parseObject(text);
  if (!reply)
    throw new RpcFailure(
      `the reply to ${method} over ${fifo} is no JSON: ${oneLine(text, 80)}`,
      'find out what reads that FIFO',
    );
  if ('error' in reply) {
    throw new RpcFailure(
      `${method} over ${fifo} was answered with an error: ${oneLine(JSON.stringify(reply.error), 200)}`,
      "see Kamailio's log",
    );
  }
  if (reply.id !== id || !('result' in reply)) {
    throw new RpcFailure(
      `the reply over ${fifo} answers another request: ${oneLine(text, 80)}`,
      'find out what else reads or writes that FIFO',
    );
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
