/** The addresses of beds: RFC 5737 keeps 192.0.2.0/24 for documentation; each testbed has a network of its own. */
export const OUTSIDE_ADDRESS = '192.0.2.254';
/** The address of the service, the one of the README's examples. */
export const SERVICE_ADDRESS = '192.0.2.10';

export function nodeName(number: number): string {
  return `node${number}`;
}

export function nodeAddress(number: number): string {
  return `192.0.2.${100 + number}`;
}

/** corosync.conf(5) of a cluster with so many nodes; a node is declared lost 1 s after its last token. */
export function corosyncConf(nodes: number): string {
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  const members = numbers.map(
    (number) => `  node {
    name: ${nodeName(number)}
    nodeid: ${number}
    ring0_addr: ${nodeAddress(number)}
  }`,
  );
  return `totem {
  version: 2
  cluster_name: testbed
  transport: udpu
  token: 1000
  crypto_cipher: none
  crypto_hash: none
}
nodelist {
${members.join('\n')}
}
quorum {
  provider: corosync_votequorum
${nodes === 2 ? '  two_node: 1\n  wait_for_all: 0\n' : ''}}
system {
  move_to_root_cgroup: no
}
logging {
  to_stderr: yes
  to_syslog: no
  to_logfile: no
  timestamp: hires
}
`;
}

/** Cluster options of a fresh testbed. There is no fencing device: a node that is lost counts as off. */
export const CLUSTER_OPTIONS: Readonly<Record<string, string>> = {
  'stonith-enabled': 'false',
  // At the first start the nodes look out for a coordinator for so long; 20 s otherwise.
  'dc-deadtime': '2s',
};

/** The CIB that the nodes begin with. */
export function firstCib(): string {
  return `<cib validate-with="pacemaker-3.0" admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    ${crmConfigXml()}
    <nodes/>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>
`;
}

/** The section crm_config with the options of a fresh testbed. */
export function crmConfigXml(): string {
  const pairs = Object.entries(CLUSTER_OPTIONS).map(
    ([name, value]) => `<nvpair id="cib-bootstrap-options-${name}" name="${name}" value="${value}"/>`,
  );
  return `<crm_config><cluster_property_set id="cib-bootstrap-options">${pairs.join('')}</cluster_property_set></crm_config>`;
}
