// Part of build.mjs: functions that an action is sure to call are compiled with the file.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'acorn';
import { transform } from 'esbuild';

/**
 * Modules nearly all of whose functions each healthy monitor calls. V8 skims over a function first
 * and reads it again when it is called, unless it stands in parentheses: so the functions of these modules do. A
 * monitor takes 3 to 4 % less time for it. With all modules here it would gain nothing: what is not called would be
 * compiled as well.
 */
const CALLED_BY_EACH_MONITOR = [
  'src/actions/context.ts',
  'src/actions/dispatch.ts',
  'src/actions/monitor.ts',
  'src/checks/control-settings.ts',
  'src/checks/health.ts',
  'src/clock.ts',
  'src/control-characters.ts',
  'src/kamctl/kamctlrc.ts',
  'src/kamctl/questions.ts',
  'src/kamctl/reply-fifo.ts',
  'src/kamctl/request-fifo.ts',
  'src/kamctl/rpc.ts',
  'src/kamctl/spare-fifo.ts',
  'src/main.ts',
  'src/ocf/invocation.ts',
  'src/params/parse.ts',
  'src/params/values.ts',
  'src/process/instance.ts',
  'src/process/pidfile.ts',
  'src/process/procfs.ts',
  'src/process/program.ts',
  'src/random.ts',
  'src/search-path.ts',
  'src/sip-probe/probe.ts',
  'src/sip-probe/quick-bind.ts',
  'src/sip-probe/reply.ts',
  'src/sip-probe/request.ts',
  'src/sip-probe/tcp.ts',
  'src/sip-probe/udp.ts',
  'src/socket-address.ts',
];

/** The plugin of esbuild; `root` is the project's directory, with a slash at its end. Throws when a module is not there. */
export function eagerFunctions(root) {
  const paths = CALLED_BY_EACH_MONITOR.map((path) => `${root}${path}`);
  const missing = paths.find((path) => !existsSync(path));
  if (missing) throw new Error(`${missing}, which CALLED_BY_EACH_MONITOR names, is not there`);
  return {
    name: 'eager-functions',
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!paths.includes(path)) return undefined;
        const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', sourcefile: path });
        return { contents: withEagerFunctions(code), loader: 'js' };
      });
    },
  };
}

/**
 * Writes each `function name() {}` of a module's outermost level as `const name = (function name() {});`, and
 * puts parentheses around the arrow functions too. The former go first, as they were hoisted.
 */
function withEagerFunctions(code) {
  const { body } = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const functions = [];
  const rest = [];
  for (const statement of body) {
    const isExport = statement.type === 'ExportNamedDeclaration';
    const node = isExport ? statement.declaration : statement;
    if (node?.type === 'FunctionDeclaration') {
      functions.push(`${isExport ? 'export ' : ''}const ${node.id.name} = (${withParentheses(code, node)});`);
    } else {
      rest.push(withParentheses(code, statement));
    }
  }
  return [...functions, ...rest].join('\n');
}

/** The text of a node, its arrow functions in parentheses. */
function withParentheses(code, node) {
  const marks = arrowFunctions(node).flatMap(({ start, end }) => [
    { at: start, mark: '(' },
    { at: end, mark: ')' },
  ]);
  let text = '';
  let from = node.start;
  for (const { at, mark } of marks.toSorted((a, b) => a.at - b.at)) {
    text += code.slice(from, at) + mark;
    from = at;
  }
  return text + code.slice(from, node.end);
}

function arrowFunctions(node) {
  const inside = Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string')
    .flatMap(arrowFunctions);
  return node.type === 'ArrowFunctionExpression' ? [node, ...inside] : inside;
}
