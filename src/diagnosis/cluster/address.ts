import type { Problem } from '../../failure/failure.ts';
import type { Params } from '../../interface/parameters.ts';
import { isSameAddress, isWildcard } from '../../text/socket-address.ts';
import { allOf, attribute, type Element } from '../xml.ts';
import { type ClusterFacts, valueIn } from './cib.ts';

/** Whether the address that Kamailio listens on comes with it: an IPaddr2, beside it and before it. */
export function checkAddress(facts: ClusterFacts, { listen_address }: Params): readonly Problem[] {
  const { id, group, isCloned } = facts;
  if (isWildcard(listen_address) || /^127\.|^::1$/.test(listen_address)) return [];
  const holder = allOf(facts.cib, 'primitive').find(
    (resource) =>
      attribute(resource, 'type').startsWith('IPaddr') &&
      isSameAddress((valueIn(facts, resource, 'ip') ?? '').replace(/\/.*/, ''), listen_address),
  );
  // Instances of a clone may each have an address of their node.
  if (!holder) return isCloned ? [] : [withoutResource(id, listen_address)];
  const address = attribute(holder, 'id');
  const [own, other] = [group.indexOf(facts.primitive), group.indexOf(holder)];
  if (other >= 0 && other < own) return [];
  const around = new Set([address, ...groupsOf(facts, holder)]);
  const isTied = (kind: string, names: readonly string[]) =>
    allOf(facts.cib, kind).some((constraint) => {
      const named = new Set([
        ...names.map((name) => attribute(constraint, name)),
        ...allOf(constraint, 'resource_ref').map((ref) => attribute(ref, 'id')),
      ]);
      return [...named].some((one) => around.has(one)) && facts.ids.some((one) => named.has(one));
    });
  const top = facts.ids.at(-1) ?? id;
  return [
    ...(isTied('rsc_colocation', ['rsc', 'with-rsc'])
      ? []
      : [
          {
            seen: `nothing keeps ${address} (${listen_address}) on the node of ${id}`,
            remedy: isCloned
              ? `\`pcs constraint colocation add ${address} with ${top}\``
              : `\`pcs constraint colocation add ${top} with ${address}\``,
          },
        ]),
    // A hot standby runs before the address comes.
    ...(isCloned || isTied('rsc_order', ['first', 'then'])
      ? []
      : [
          {
            seen: `nothing orders ${address} (${listen_address}) before ${id}, which cannot listen on it earlier`,
            remedy: `\`pcs constraint order start ${address} then start ${top}\``,
          },
        ]),
  ];
}

function withoutResource(id: string, address: string): Problem {
  return {
    seen: `no IPaddr2 of this cluster has listen_address ${address}: on another node Kamailio cannot listen on it`,
    remedy: `\`pcs resource create ${id}-ip ocf:heartbeat:IPaddr2 ip=${address}\`, and \`pcs resource group add ${id}-group ${id}-ip ${id}\``,
  };
}

function groupsOf({ cib }: ClusterFacts, resource: Element): string[] {
  return ['group', 'clone']
    .flatMap((name) => allOf(cib, name))
    .filter((element) => allOf(element, 'primitive').includes(resource))
    .map((element) => attribute(element, 'id'));
}
