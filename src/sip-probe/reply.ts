import type { OptionsRequest } from './request.ts';

/** A SIP reply, as far as a poll cares. */
export interface Reply {
  readonly status: number;
  readonly phrase: string;
  readonly branch: string;
  readonly callId: string;
  readonly cseq: string;
  /** The Server or User-Agent header, empty when there is none. */
  readonly server: string;
}

/** One message cut off the front of a stream, and what follows it. */
export interface Cut {
  readonly head: string;
  readonly rest: Buffer;
}

/** RFC 3261 §7.3.3, the compact forms of the headers that are read here. */
const COMPACT: Readonly<Record<string, string>> = { v: 'via', i: 'call-id', l: 'content-length' };

/**
 * Reads the head of a message (start line and headers). Undefined when it is no SIP reply or lacks a
 * header that every reply has (RFC 3261 §8.2.6.2): noise, somebody's request, another protocol.
 */
export function parseReply(head: string): Reply | undefined {
  const [startLine = '', ...lines] = unfold(head);
  const start = /^[Ss][Ii][Pp]\/2\.0 ([1-6]\d\d)(?: (.*))?$/.exec(startLine);
  if (!start) return undefined;
  const headers = parseHeaders(lines);
  const branch = branchOf(headers.get('via') ?? '');
  const callId = headers.get('call-id');
  const cseq = headers.get('cseq');
  if (!branch || !callId || !cseq) return undefined;
  return {
    status: Number(start[1]),
    phrase: (start[2] ?? '').trim(),
    branch,
    callId,
    cseq: cseq.replace(/[ \t]+/g, ' '),
    server: headers.get('server') ?? headers.get('user-agent') ?? '',
  };
}

/** Whether a reply answers this request: branch, CSeq (RFC 3261 §17.1.3) and Call-ID. */
export function answers(reply: Reply, request: OptionsRequest): boolean {
  return (
    reply.branch === request.branch &&
    reply.callId === request.callId &&
    reply.cseq === `${request.cseq} OPTIONS`
  );
}

/**
 * Cuts the first message off the bytes of a stream, its body included (RFC 3261 §18.3; a missing
 * Content-Length counts as none). Undefined while the message is not complete.
 */
export function cutMessage(stream: Buffer): Cut | undefined {
  const text = stream.toString('latin1');
  // Empty lines before a start line are keep-alives (RFC 5626 §3.5.1).
  const begin = /^[\r\n]*/.exec(text)?.[0].length ?? 0;
  const end = /\r?\n\r?\n/.exec(text.slice(begin));
  if (!end) return undefined;
  const head = text.slice(begin, begin + end.index);
  const bodyAt = begin + end.index + end[0].length;
  const length = Number(
    /^\d{1,9}$/.exec(parseHeaders(unfold(head).slice(1)).get('content-length') ?? '')?.[0] ?? 0,
  );
  if (stream.length < bodyAt + length) return undefined;
  return { head, rest: stream.subarray(bodyAt + length) };
}

/** The head of a datagram: all before the first empty line, or all there is. */
export function headOf(datagram: Buffer): string {
  return datagram.toString('latin1').split(/\r?\n\r?\n/, 1)[0] ?? '';
}

/** Lines of a head, folded headers joined (RFC 3261 §7.3.1). */
function unfold(head: string): string[] {
  return head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
}

/** Headers by lower-case full name; of several with one name the first, which for Via is the topmost. */
function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const written = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const name = COMPACT[written] ?? written;
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

/**
 * One Via element: protocol, sent-by, parameters (RFC 3261 §25.1, `via-parm`). Either case of three letters is
 * written out: the flag `i` would double the time that a monitor takes to compile this.
 */
const VIA_ELEMENT =
  /^[Ss][Ii][Pp][ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*[A-Za-z]+[ \t]+[^\s;,"]+((?:[ \t]*;[ \t]*[^\s;,="]+(?:[ \t]*=[ \t]*(?:"[^"]*"|[^\s;,"]+))?)*)$/;

/** The branch parameter of the first element of a Via header; undefined when the element is malformed or has two. */
function branchOf(via: string): string | undefined {
  const first = via.split(',', 1)[0] ?? '';
  const parameters = VIA_ELEMENT.exec(first.trim())?.[1] ?? '';
  const branches = parameters.split(';').flatMap((parameter) => {
    const [name = '', ...value] = parameter.split('=');
    return name.trim().toLowerCase() === 'branch' ? [value.join('=').trim()] : [];
  });
  return branches.length === 1 ? branches[0] : undefined;
}
