/** A control plane that did not answer as it should: what was seen (message) and what to do. */
export class RpcFailure extends Error {
  readonly remedy: string;

  constructor(seen: string, remedy: string) {
    super(seen);
    this.remedy = remedy;
  }
}
