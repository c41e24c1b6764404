import { readSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { oneLine } from '../text/one-line.ts';

/** No reply that the agent asks for is larger: bytes. */
const REPLY_LIMIT_BYTES = 262_144;

/** One reply as it comes. */
export interface Incoming {
  /** Takes what has come since; the whole reply once its writer has closed. Throws Failure for one that is too long. */
  read(): string | undefined;
  /** What has come so far; undefined if nothing has. */
  soFar(): string | undefined;
}

/** Reads a reply from the reading end of its FIFO, which is non-blocking. */
export function incoming(fd: number): Incoming {
  const chunks: Buffer[] = [];
  let size = 0;
  const text = () => Buffer.concat(chunks).toString('utf8');
  const buffer = Buffer.alloc(65_536);
  return {
    read: () => {
      for (let length = readSome(fd, buffer); length !== 'nothing yet'; length = readSome(fd, buffer)) {
        // No writer has been there yet, or the last one has closed: only then is the reply complete.
        if (length === 0) return size > 0 ? text() : undefined;
        chunks.push(Buffer.from(buffer.subarray(0, length)));
        size += length;
        if (size > REPLY_LIMIT_BYTES) {
          throw new Failure({
            seen: `the reply is longer than ${REPLY_LIMIT_BYTES} bytes`,
            remedy: "find out what reads the FIFO in Kamailio's place",
          });
        }
      }
      return undefined;
    },
    soFar: () => (size > 0 ? text() : undefined),
  };
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

/** The result in a reply to the request with this id. Throws Failure for everything that is no result. */
export function resultOf(text: string, id: number, method: string, fifo: string): unknown {
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
