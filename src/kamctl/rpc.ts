import { closeSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { cleanUpAtExit } from '../lifetime/at-exit.ts';
import { nextTurn, now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ControlSettings } from './kamctlrc.ts';
import { type Incoming, incoming, resultOf } from './reply.ts';
import { openReplyFifo, type ReplyFifo } from './reply-fifo.ts';
import { openRequestFifo, writeRequest } from './request-fifo.ts';
import type { Owner } from './reusable-fifo.ts';

/** The id is the end of the FIFO's name: one random value does for both, as nobody but Kamailio can write there. */
const ID_DIGITS = 6;

/**
 * Blanks before a second request, in pieces that are written whole (PIPE_BUF). Kamailio keeps the text of a stray line
 * until a JSON document ends, and an open quote or brace in it swallows every request. After 8191 bytes Kamailio
 * throws away what it has (jsonrpcs, JSONRPC_BUF_IN_SIZE), so the request behind this many blanks comes whole.
 */
const FRESH_START = [' '.repeat(4096), ' '.repeat(4096)] as const;

/** An argument of a method: what Kamailio reads as a number must be one, for it takes the text "1" for 0. */
export type RpcArgument = string | number;

/** A request that was sent, and its reply as it comes. */
interface Sent {
  readonly id: number;
  readonly reply: ReplyFifo;
  readonly incoming: Incoming;
}

/**
 * Sends one JSON-RPC 2.0 request to Kamailio over its FIFO and returns the `result` of the reply
 * (jsonrpcs module; `reply_name` is its extension for the FIFO that the reply comes to). A stray line in the FIFO
 * spoils Kamailio's next request: without a reply at half of the time it is sent again, with a new FIFO and id, and
 * the first reply to either counts. A start leaves a FIFO for the monitors that follow (`leavesSpare`).
 * Throws Failure for everything that is no result, at `deadline` the latest.
 */
export async function callRpc(
  settings: ControlSettings,
  owner: Owner,
  method: string,
  params: readonly RpcArgument[],
  deadline: Deadline,
  leavesSpare = false,
): Promise<unknown> {
  const request = openRequestFifo(settings.fifo);
  const all: Sent[] = [];
  const cleanUp = cleanUpAtExit(() => {
    for (const { reply } of all) reply.close();
  });
  const send = (...before: readonly string[]) => {
    const reply = openReplyFifo(settings, owner, deadline);
    const id = Number.parseInt(reply.name.slice(-ID_DIGITS), 16);
    all.push({ id, reply, incoming: incoming(reply.fd) });
    const document = {
      jsonrpc: '2.0',
      method,
      ...(params.length > 0 && { params }),
      reply_name: reply.name,
      id,
    };
    for (const text of [...before, `${JSON.stringify(document)}\n`])
      writeRequest(request, text, settings.fifo);
  };
  try {
    send();
    let answered = await firstReply(all, deadline.sooner(deadline.remaining / 2));
    if (!answered && !deadline.passed) {
      send(...FRESH_START);
      answered = await firstReply(all, deadline);
    }
    const { sent, text } = answered ?? partOfReply(all) ?? noReply(all, settings, method);
    const result = resultOf(text, sent.id, method, settings.fifo);
    // At the deadline a reply may be complete without its end having come: more may follow, to whoever reads there next.
    if (!deadline.passed) sent.reply.release(leavesSpare || all.some(({ reply }) => reply.wasSpare));
    return result;
  } finally {
    cleanUp();
    closeSync(request);
  }
}

/** Kamailio mostly answers within this time, in which the FIFOs are looked at without a pause, ms. */
const EAGER_MS = 2;

/** A reply, and the request that it came to. */
interface Answered {
  readonly sent: Sent;
  readonly text: string;
}

/**
 * The first reply that is complete; undefined when none is at `until`. The FIFOs are looked at again and again, soon
 * every millisecond: a stream of node:net costs a monitor more.
 */
async function firstReply(all: readonly Sent[], until: Deadline): Promise<Answered | undefined> {
  const eagerUntil = now() + EAGER_MS;
  for (;;) {
    for (const sent of all) {
      const text = sent.incoming.read();
      if (text !== undefined) return { sent, text };
    }
    if (until.passed) return undefined;
    await (now() < eagerUntil ? nextTurn() : until.pause(1));
  }
}

/** At the deadline a reply counts whose writer has not closed yet. */
function partOfReply(all: readonly Sent[]): Answered | undefined {
  for (const sent of all) {
    const text = sent.incoming.soFar();
    if (text !== undefined) return { sent, text };
  }
  return undefined;
}

function noReply(all: readonly Sent[], { fifo, replyDirectory }: ControlSettings, method: string): never {
  for (const { reply } of all) reply.checkInPlace();
  throw new Failure({
    seen: `no reply to ${method} over ${fifo} came to ${replyDirectory}`,
    remedy: `Kamailio's RPC process is hung (see its log, restart the resource), or modparam("jsonrpcs", "fifo_reply_dir", ...) names another directory: write it as RPCFIFOREPLYDIR=... into kamctlrc`,
  });
}
