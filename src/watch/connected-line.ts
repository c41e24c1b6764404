import { isExhaustion } from '../failure/system-error.ts';
import { composeOptions } from '../sip-probe/request.ts';
import type { Target } from '../sip-probe/target.ts';
import type { Line, Listener } from './line.ts';
import { SentPolls } from './sent-polls.ts';

/** A connection that is being opened, or is open. */
export interface Connection {
  send(message: Buffer): void;
  destroy(): void;
}

/** What becomes of a connection. Each says so at most once, but for `received`. */
export interface ConnectionEvents {
  /** The other side has accepted it, if only the kernel for a Kamailio that hangs. */
  accepted(): void;
  /** Requests can be sent; `local` is this side's address. */
  opened(local: { readonly address: string; readonly port: number }): void;
  /** The head of a message has come. */
  received(head: string): void;
  /** It is closed, by the other side or with an error. */
  gone(error?: Error): void;
}

/** After so many unanswered polls a new connection is tried: this one may be with the one worker that hangs. */
const POLLS_BEFORE_RECONNECT = 2;

/** A line over a connection, which `connect` opens, again and again where it is closed. */
export function openConnected(
  target: Target,
  user: string,
  listener: Listener,
  connect: (events: ConnectionEvents) => Connection,
): Line {
  let current: Connection | undefined;
  let send: (() => void) | undefined;
  /** Which connection it is: the events of one that was dropped say nothing. */
  let serial = 0;
  const sent = new SentPolls(listener);
  const drop = () => {
    serial += 1;
    current?.destroy();
    current = undefined;
    send = undefined;
  };
  const open = () => {
    serial += 1;
    const own = serial;
    const ifCurrent = (act: () => void) => own === serial && act();
    let isAccepted = false;
    const fresh = connect({
      accepted: () => {
        isAccepted = true;
      },
      opened: (local) =>
        ifCurrent(() => {
          send = () => fresh.send(sent.add(composeOptions(target, user, local)).bytes);
          send();
        }),
      received: (head) => ifCurrent(() => sent.take(head)),
      // The kernel accepts connections for a Kamailio that hangs, but only a Kamailio at work closes them: at its limit of
      // connections, or after its idle time.
      gone: (error) =>
        ifCurrent(() => {
          // A node without descriptors to spare says nothing about Kamailio either.
          if (isAccepted || isExhaustion(error)) listener.alive();
          drop();
        }),
    });
    current = fresh;
    // A handshake that nobody answers is an unanswered poll.
    listener.polled();
    sent.isCounted = true;
  };
  return {
    poll: () => {
      if (current !== undefined && sent.unanswered >= POLLS_BEFORE_RECONNECT) drop();
      if (current === undefined) open();
      else if (send) send();
      else {
        listener.polled();
        sent.unanswered += 1;
      }
    },
    close: drop,
  };
}
