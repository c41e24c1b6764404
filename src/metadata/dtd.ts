/**
 * What the metadata consists of, as a document type of its own. The one that resource-agents ships
 * (ra-api-1.dtd) is of version 1.0 and knows no unique groups, no reloadable parameters and no selections;
 * `ocf-tester` wants a document that is valid against the type it names.
 *
 * Nobody else is given it: for each of its lines Pacemaker 3.0.0 (Debian 13) logs "Triggered fatal assertion" as an
 * error, whenever it reads the metadata, and that is before every start.
 */
export const DOCUMENT_TYPE = `<!DOCTYPE resource-agent [
<!ELEMENT resource-agent (version, longdesc, shortdesc, parameters, actions)>
<!ATTLIST resource-agent name CDATA #REQUIRED version CDATA #REQUIRED>
<!ELEMENT version (#PCDATA)>
<!ELEMENT longdesc (#PCDATA)>
<!ATTLIST longdesc lang NMTOKEN #REQUIRED>
<!ELEMENT shortdesc (#PCDATA)>
<!ATTLIST shortdesc lang NMTOKEN #REQUIRED>
<!ELEMENT parameters (parameter*)>
<!ELEMENT parameter (longdesc, shortdesc, content)>
<!ATTLIST parameter name CDATA #REQUIRED unique-group CDATA #IMPLIED
  required (0|1) #REQUIRED reloadable (0|1) #REQUIRED>
<!ELEMENT content (option*)>
<!ATTLIST content type (string|integer|select) #REQUIRED default CDATA #IMPLIED>
<!ELEMENT option EMPTY>
<!ATTLIST option value CDATA #REQUIRED>
<!ELEMENT actions (action*)>
<!ELEMENT action EMPTY>
<!ATTLIST action name CDATA #REQUIRED timeout CDATA #REQUIRED interval CDATA #IMPLIED depth CDATA #IMPLIED>
]>`;
