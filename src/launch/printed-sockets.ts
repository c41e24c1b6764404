/** A socket as Kamailio lists it. */
export interface PrintedSocket {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/**
 * The list behind `Listening on` in what Kamailio prints when it checks its configuration: `udp: localhost [127.0.0.1]:5060`,
 * `tls: ::1:5061`, `udp: 10.0.0.1:5060 advertise ...`.
 */
export function printedSockets(printed: string): PrintedSocket[] {
  const [list = ''] = (printed.split(/^Listening on/m)[1] ?? '').split(/^Aliases:/m);
  return list.split('\n').flatMap((line) => {
    // With a name in front, the address is in brackets: `::1 [::1]:5060` is not port 1.
    const [, protocol, named, plain = '', port] =
      /^ +(udp|tcp|tls): (?:\S+ \[(\S+?)\]|(\S+?)):(\d+)(?: |$)/.exec(line) ?? [];
    const address = named ?? plain;
    return protocol === undefined ? [] : [{ protocol, address, port: Number(port) }];
  });
}
