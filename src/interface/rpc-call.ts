import { Failure } from '../failure/failure.ts';
import type { RpcArgument } from '../kamctl/rpc.ts';
import { oneLine } from '../text/one-line.ts';
import { words } from './domains.ts';

/** A call of an RPC method of Kamailio. */
export interface RpcCall {
  readonly method: string;
  readonly args: readonly RpcArgument[];
}

/** A request goes into the FIFO in one piece (PIPE_BUF, 4096), also if each byte of the text needs an escape in JSON. */
const MAX_BYTES = 1500;
/** Kamailio's integers have 32 bits; a longer number is a telephone number. */
const MOST = 2 ** 31 - 1;

/**
 * An RPC method and its arguments, written as behind `kamctl rpc`: `cfg.set_now_int drain active 1`. Whole numbers are
 * sent as numbers, for Kamailio takes the text "1" for 0 where it expects a number; `s:1` is the text. Empty: undefined.
 */
export function rpcCall(text: string): RpcCall | undefined {
  if (text === '') return undefined;
  const [method = '', ...args] = words(text);
  if (!/^\w+(?:\.[\w-]+)+$/.test(method)) {
    throw new Failure({
      seen: `begins with "${oneLine(method, 80)}", which is no RPC method`,
      remedy: 'write it as behind `kamctl rpc`, such as cfg.set_now_int drain active 1',
    });
  }
  if (Buffer.byteLength(text) > MAX_BYTES) throw new Failure({ seen: `is longer than ${MAX_BYTES} bytes` });
  return { method, args: args.map(argument) };
}

/** The prefixes are those of kamctl. */
function argument(word: string): RpcArgument {
  if (word.startsWith('s:')) return word.slice(2);
  const isNumber = /^(?:i:)?-?\d{1,10}$/.test(word) && Math.abs(Number(word.replace('i:', ''))) <= MOST;
  return isNumber ? Number(word.replace('i:', '')) : word;
}

/** The call as an administrator would write it. */
export function describeCall({ method, args }: RpcCall): string {
  return [method, ...args].join(' ');
}
