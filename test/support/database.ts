import { createServer, type Socket } from 'node:net';

/** SSLRequest and GSSENCRequest: what a client asks for before it begins. */
const ENCRYPTION_CODES = [80877103, 80877104];
const AUTHENTICATED = Buffer.from([0, 0, 0, 0]);
const IDLE = Buffer.from('I');

/**
 * A PostgreSQL on a port of 127.0.0.1, as far as a Kamailio needs one that connects and sets its session up (PostgreSQL
 * frontend/backend protocol 3.0): it lets everybody in, and takes every command. A real one cannot be made to come up
 * at a moment of the test's choice. Returns what closes it.
 */
export async function openDatabase(port: number): Promise<() => void> {
  const peers = new Set<Socket>();
  const server = createServer((peer) => {
    peers.add(peer);
    peer.on('error', () => {}).on('close', () => peers.delete(peer));
    answer(peer);
  });
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, '127.0.0.1', resolve));
  return () => {
    server.close();
    for (const peer of peers) peer.destroy();
  };
}

function answer(peer: Socket): void {
  let unread = Buffer.alloc(0);
  let hasBegun = false;
  peer.on('data', (data: Buffer) => {
    unread = Buffer.concat([unread, data]);
    // The first message has no letter for its type before its length.
    for (;;) {
      const head = hasBegun ? 1 : 0;
      if (unread.length < head + 4) return;
      const end = head + unread.readInt32BE(head);
      if (unread.length < end) return;
      const message = unread.subarray(0, end);
      unread = unread.subarray(end);
      if (hasBegun) {
        if (message[0] === 'Q'.charCodeAt(0))
          peer.write(Buffer.concat([packet('C', Buffer.from('SET\0')), packet('Z', IDLE)]));
      } else if (ENCRYPTION_CODES.includes(message.readInt32BE(4))) {
        peer.write('N');
      } else {
        hasBegun = true;
        peer.write(Buffer.concat([packet('R', AUTHENTICATED), packet('Z', IDLE)]));
      }
    }
  });
}

function packet(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
