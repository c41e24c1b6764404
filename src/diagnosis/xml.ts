import { XMLParser } from 'fast-xml-parser';

/** An element as the XML parser gives it: attributes by `@name`, children by name, always as lists. */
export interface Element {
  readonly [key: string]: string | readonly Element[] | undefined;
}

/** Parses what Pacemaker's tools print; what they say before the first element is left out. */
export function parseXml(printed: string): Element {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    // Values stay as they are: a blank in front of a path is a mistake to be shown.
    parseAttributeValue: false,
    trimValues: false,
    // Among them the numbers of characters: the tools write a line end as &#10;.
    htmlEntities: true,
    isArray: (name, _path, _leaf, isAttribute) => !isAttribute && name !== '#text',
  });
  return parser.parse(printed.slice(Math.max(0, printed.search(/^</m))));
}

/** The children of one name, in their order. */
export function childrenOf(element: Element | undefined, name: string): readonly Element[] {
  const children = element?.[name];
  return typeof children === 'object' ? children : [];
}

/** An attribute; empty if it is not there. */
export function attribute(element: Element, name: string): string {
  const value = element[`@${name}`];
  return typeof value === 'string' ? value : '';
}

/** All elements of a name, however deep. */
export function allOf(element: Element, wanted: string): Element[] {
  return Object.entries(element).flatMap(([name, children]) =>
    typeof children === 'object'
      ? children.flatMap((child) => [...(name === wanted ? [child] : []), ...allOf(child, wanted)])
      : [],
  );
}
