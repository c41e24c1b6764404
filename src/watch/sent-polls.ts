import { now } from '../lifetime/clock.ts';
import { answers, parseReply } from '../sip-probe/reply.ts';
import type { OptionsRequest } from '../sip-probe/request.ts';
import type { Listener } from './line.ts';

/** A poll that was answered by none of so many after it is forgotten: its answer would be an hour late. */
const REMEMBERED_POLLS = 60;

/** The polls that were sent on a line and wait for their answers. */
export class SentPolls {
  /** Since the last answer. */
  unanswered = 0;
  /** The poll that is sent next has been counted already. */
  isCounted = false;
  private readonly waiting = new Map<string, { readonly request: OptionsRequest; readonly at: number }>();
  private readonly listener: Listener;

  constructor(listener: Listener) {
    this.listener = listener;
  }

  add(request: OptionsRequest): OptionsRequest {
    this.waiting.set(request.branch, { request, at: now() });
    for (const branch of this.waiting.keys()) {
      if (this.waiting.size <= REMEMBERED_POLLS) break;
      this.waiting.delete(branch);
    }
    this.unanswered += 1;
    if (!this.isCounted) this.listener.polled();
    this.isCounted = false;
    return request;
  }

  take(head: string): void {
    const reply = parseReply(head);
    const poll = reply && this.waiting.get(reply.branch);
    if (!poll || !answers(reply, poll.request)) return;
    this.waiting.delete(reply.branch);
    this.unanswered = 0;
    this.listener.answered(now() - poll.at);
  }
}
