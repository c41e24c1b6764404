import { CERTIFICATE_DAYS, SHARED_MEMORY_PERCENT } from '../checks/predictions.ts';

/** What the metadata and the man page say about the agent as a whole. */

export const SHORT_DESCRIPTION = 'Manages a Kamailio SIP server';

/** The lines of kamailio.cfg that answer the poll. */
export const POLL_ROUTE = `request_route {
    if (is_method("OPTIONS") && $rU == "monitor") {
        sl_send_reply("200", "OK");
        exit;
    }
    ...
}`;

/** Paragraphs; a block of lines that begin with blanks is to be shown as it stands. */
export const LONG_DESCRIPTION = `Starts, stops and watches a Kamailio SIP server (proxy, registrar, load balancer). It takes the place of the shell agent of the same name: parameters, defaults and exit codes are the same, and a Kamailio that one of them started is monitored and stopped by the other.

A monitor checks the main process, polls each SIP transport with OPTIONS, and asks for the up-time through the RPC FIFO. "Not running" is reported only when no process of the instance is left; a Kamailio that hangs has failed.

OCF_CHECK_LEVEL sets how deep it looks. 0: the main process alone. 10, and unset: the above. 20: also what predicts a failure, reported as degraded (190): a worker that stays stopped for 2 seconds or uninterruptible for one, receivers of a UDP socket that hang while others answer, more than ${SHARED_MEMORY_PERCENT} % of the shared memory in use (not seen if kamctlrc is empty), a TLS certificate that expires within ${CERTIFICATE_DAYS} days, UDP answers that come from another address than was asked, a UDP socket whose receive queue is more than half full or that drops datagrams during the check. A value in between means the next lower level.

"diagnose" runs every check for a person and says what to do; with the name of a resource it takes the parameters from the cluster.

kamailio.cfg must answer the poll with 200:

${indent(POLL_ROUTE)}

and offer the FIFO, unless the parameter kamctlrc is empty:

    loadmodule "jsonrpcs.so"
    modparam("jsonrpcs", "fifo_name", "/run/kamailio-cluster/kamailio_rpc.fifo")

Several instances can share a node, each with a resource of its own. They need different sockets, configuration files and pidfiles (the default differs by itself), and, so that the control plane of each is checked, a kamctlrc each whose RPCFIFOPATH is the fifo_name of that instance:

    Instance 1: listen_address=192.0.2.10 proto=udptcp port=5060
                conffile=/etc/kamailio/kamailio.cfg
                kamctlrc=/etc/kamailio/kamctlrc
    Instance 2: listen_address=192.0.2.10 proto=udp port=5070
                conffile=/etc/kamailio/kamailio2.cfg
                kamctlrc=/etc/kamailio/kamctlrc2
    Instance 3: listen_address=192.0.2.10 proto=tcp port=5080
                conffile=/etc/kamailio/kamailio3.cfg
                kamctlrc=/etc/kamailio/kamctlrc3

with, for instance 2, in /etc/kamailio/kamctlrc2:

    RPCFIFOPATH=/run/kamailio-cluster/kamailio2_rpc.fifo

and in /etc/kamailio/kamailio2.cfg:

    modparam("jsonrpcs", "fifo_name", "/run/kamailio-cluster/kamailio2_rpc.fifo")`;

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
