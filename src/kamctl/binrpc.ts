import { Failure } from '../failure/failure.ts';
import type { RpcArgument } from './rpc.ts';

/**
 * BINRPC, the protocol of Kamailio's module ctl (its source: src/modules/ctl/binrpc.h). A packet is a header and
 * records. Header: 0xA1, then one byte (4 bits the kind, 2 bits each the sizes of length and cookie less 1), length,
 * cookie. Record: one byte (4 bits the size, 4 bits the type), value; with the highest bit the size follows.
 */

/** A record: array and struct are lists and objects, a double comes as 1000 times its value. */
export type Value = number | string | readonly Value[] | { readonly [name: string]: Value };

/** What came of a request. */
export interface Packet {
  readonly kind: 'reply' | 'fault';
  readonly cookie: number;
  readonly values: readonly Value[];
}

const MAGIC = 0xa1;
const REPLY = 1;
const FAULT = 3;
const TYPES = { int: 0, string: 1, double: 2, struct: 3, array: 4, name: 5, bytes: 6 } as const;
/** Deeper than anything that Kamailio answers. */
const MAX_DEPTH = 16;

/** A request: a method and its arguments; numbers are integers of 32 bits. `cookie` (32 bits) comes back with the reply. */
export function encodeRequest(method: string, params: readonly RpcArgument[], cookie: number): Buffer {
  const body = Buffer.concat([method, ...params].map(encodeArgument));
  const head = Buffer.alloc(10);
  head[0] = MAGIC;
  // A request, and four bytes each for length and cookie.
  head[1] = 0x0f;
  head.writeUInt32BE(body.length, 2);
  head.writeUInt32BE(cookie, 6);
  return Buffer.concat([head, body]);
}

function encodeArgument(argument: RpcArgument): Buffer {
  if (typeof argument === 'string') return encodeString(argument);
  const record = Buffer.alloc(5);
  // The size, in the head itself, and the type.
  record[0] = (4 << 4) | TYPES.int;
  record.writeInt32BE(argument, 1);
  return record;
}

function encodeString(text: string): Buffer {
  const value = Buffer.from(`${text}\0`);
  // The size behind the type, in two bytes.
  return Buffer.concat([Buffer.from([0xa0 | TYPES.string, value.length >> 8, value.length & 0xff]), value]);
}

/** The packet that begins these bytes; undefined while it is not complete. Throws Failure for anything else. */
export function decodePacket(bytes: Buffer): Packet | undefined {
  if (bytes.length > 0 && bytes[0] !== MAGIC) throw notBinrpc();
  const sizes = bytes[1] ?? 0;
  const lengthSize = ((sizes >> 2) & 3) + 1;
  const cookieSize = (sizes & 3) + 1;
  const start = 2 + lengthSize + cookieSize;
  if (bytes.length < start) return undefined;
  const end = start + bytes.readUIntBE(2, lengthSize);
  if (bytes.length < end) return undefined;
  const kind = sizes >> 4;
  if (kind !== REPLY && kind !== FAULT) throw notBinrpc();
  return {
    kind: kind === REPLY ? 'reply' : 'fault',
    cookie: bytes.readUIntBE(2 + lengthSize, cookieSize),
    values: readValues({ bytes: bytes.subarray(start, end), at: 0 }, undefined, 0),
  };
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** The records up to the end of the packet, or up to the mark that ends an `array`. */
function readValues(cursor: Cursor, until: 'array' | undefined, depth: number): Value[] {
  const values: Value[] = [];
  while (cursor.at < cursor.bytes.length) {
    const value = readRecord(cursor, depth);
    if (typeof value === 'object' && 'ends' in value) {
      if (until !== undefined && value.ends === TYPES[until]) return values;
      throw notBinrpc();
    }
    values.push(value.value);
  }
  if (until !== undefined) throw notBinrpc();
  return values;
}

type Read = { readonly value: Value } | { readonly ends: number };

function readRecord(cursor: Cursor, depth: number): Read {
  if (depth > MAX_DEPTH) throw notBinrpc();
  const { type, size, isLong } = readHead(cursor);
  switch (type) {
    case TYPES.int:
    case TYPES.double:
      return { value: readInteger(cursor, size) };
    case TYPES.string:
      return { value: readBytes(cursor, size).toString('utf8').replace(/\0$/, '') };
    case TYPES.bytes:
      return { value: readBytes(cursor, size).toString('latin1') };
    case TYPES.array:
      return isLong ? { ends: type } : { value: readValues(cursor, 'array', depth + 1) };
    case TYPES.struct:
      return isLong ? { ends: type } : { value: readStruct(cursor, depth + 1) };
    default:
      throw notBinrpc();
  }
}

/** Pairs of a name and a record, up to the mark that ends the struct. */
function readStruct(cursor: Cursor, depth: number): { readonly [name: string]: Value } {
  const pairs: [string, Value][] = [];
  for (;;) {
    const { type, size, isLong } = readHead(cursor);
    if (type === TYPES.struct && isLong) return Object.fromEntries(pairs);
    if (type !== TYPES.name) throw notBinrpc();
    const name = readBytes(cursor, size).toString('utf8').replace(/\0$/, '');
    const read = readRecord(cursor, depth);
    if (!('value' in read)) throw notBinrpc();
    pairs.push([name, read.value]);
  }
}

/** The first byte of a record, and its size; `isLong` with size 0 is the mark that ends an array or struct. */
function readHead(cursor: Cursor): { type: number; size: number; isLong: boolean } {
  const [byte = 0] = readBytes(cursor, 1);
  const isLong = (byte & 0x80) !== 0;
  const short = (byte >> 4) & 7;
  return { type: byte & 0x0f, size: isLong ? readInteger(cursor, short) : short, isLong };
}

/** Kamailio's numbers have 32 bits and a sign. */
function readInteger(cursor: Cursor, size: number): number {
  if (size > 4) throw notBinrpc();
  return readBytes(cursor, size).reduce((value, byte) => (value << 8) | byte, 0);
}

function readBytes(cursor: Cursor, size: number): Buffer {
  const end = cursor.at + size;
  if (size < 0 || end > cursor.bytes.length) throw notBinrpc();
  const bytes = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}

function notBinrpc(): Failure {
  return new Failure({ seen: 'the reply is not BINRPC', remedy: 'find out what listens on that socket' });
}
