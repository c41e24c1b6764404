import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { ControlSettings } from '../../src/kamctl/kamctlrc.ts';

/** A request as the stand-in received it. */
export interface Request {
  readonly text: string;
  readonly id: number;
  readonly replyName: string;
  /** The FIFO for the reply, as it was when the request came. */
  readonly replyStat: Stats;
  readonly replyPath: string;
}

/** A FIFO and a reply directory of a test's own, with a reader that answers what the test wants. */
export interface ControlStandIn {
  readonly directory: string;
  readonly settings: ControlSettings;
  readonly requests: readonly Request[];
  /** Names that are left in the reply directory. */
  leftovers(): string[];
  close(): void;
}

/** Makes the directories; with `onRequest` also the FIFO and its reader. */
export function controlStandIn(onRequest?: (request: Request) => void): ControlStandIn {
  const directory = mkdtempSync('/tmp/ocf-kamailio-rpc-');
  chmodSync(directory, 0o755);
  const replyDirectory = join(directory, 'tmp');
  const settings = {
    fifo: join(directory, 'rpc.fifo'),
    replyDirectory,
    replyPrefix: 'kamailio_ocf_test',
    spareFifo: join(replyDirectory, 'spare'),
    chroot: '',
    kamctlDirectory: replyDirectory,
  };
  mkdirSync(settings.replyDirectory, { mode: 0o1777 });
  chmodSync(settings.replyDirectory, 0o1777);
  const requests: Request[] = [];
  let stop = () => {};
  if (onRequest) {
    makeFifo(settings.fifo);
    stop = readLines(settings.fifo, (text) => {
      const { id, reply_name: replyName } = JSON.parse(text);
      const replyPath = join(settings.replyDirectory, replyName);
      const request = { text, id, replyName, replyPath, replyStat: statSync(replyPath) };
      requests.push(request);
      onRequest(request);
    });
  }
  return {
    directory,
    settings,
    requests,
    leftovers: () => readdirSync(settings.replyDirectory),
    close: () => {
      stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function makeFifo(path: string): void {
  const { status, stderr } = spawnSync('mkfifo', ['-m', '600', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Writes a reply as Kamailio does; a reader that goes away in the middle is no error. */
export function answer(request: Request, reply: string | Buffer): void {
  const fd = openSync(request.replyPath, constants.O_WRONLY | constants.O_NONBLOCK);
  const stream = new Socket({ fd, readable: false, writable: true });
  stream.on('error', () => {});
  stream.end(reply);
}

/** Holds the FIFO open, so that it has a reader, and looks for requests; returns what ends it. */
function readLines(path: string, onLine: (line: string) => void): () => void {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(65_536);
  let rest = '';
  const timer = setInterval(() => {
    let length = 0;
    try {
      length = readSync(fd, buffer);
    } catch {
      // EAGAIN: nothing has come yet.
    }
    const lines = (rest + buffer.toString('utf8', 0, length)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }, 2);
  return () => {
    clearInterval(timer);
    closeSync(fd);
  };
}

/** Gives a FIFO a reader that reads nothing, and fills it up; returns what lets go of it. */
export function fillFifo(path: string): () => void {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  for (const block of [4096, 1]) {
    try {
      for (;;) writeSync(fd, 'x'.repeat(block));
    } catch {
      // EAGAIN: no block of this size fits any more.
    }
  }
  return () => closeSync(fd);
}
