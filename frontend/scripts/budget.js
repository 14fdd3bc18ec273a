// Prints how much JavaScript each page loads first, gzipped as the server sends it, and fails above
// the budget.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes: the page to sign in is what a stranger waits for. */
const SIGN_IN = '(public)/sign-in';
const BUDGET = { signIn: 60_000, other: 120_000 };

const kit = '.svelte-kit/generated/client-optimized';
/** @type {Record<string, { file: string, imports?: string[] }>} */
const manifest = JSON.parse(readFileSync('.svelte-kit/output/client/.vite/manifest.json', 'utf8'));

/** Kit numbers pages, layouts and error pages. Each node names its files in src/routes. */
const nodes = readdirSync(`${kit}/nodes`).map((name) => {
  const [, path = ''] =
    /src\/routes\/([^"]*)"/.exec(readFileSync(`${kit}/nodes/${name}`, 'utf8')) ?? [];
  return { entry: `${kit}/nodes/${name}`, folder: dirname(path), isPage: path.includes('+page.') };
});

/**
 * A page comes with the layouts and error pages of all folders above it.
 * @param {typeof nodes[number]} page
 */
function entriesOf(page) {
  /** @param {string} folder */
  const above = (folder) =>
    folder === '.' || page.folder === folder || page.folder.startsWith(`${folder}/`);
  return nodes.filter((node) => node === page || (!node.isPage && above(node.folder)));
}

/**
 * @param {string} key
 * @returns {Set<string>}
 */
function filesOf(key, found = /** @type {Set<string>} */ (new Set())) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`the manifest does not know ${key}`);
  const { file, imports = [] } = chunk;
  if (!found.has(file)) {
    found.add(file);
    imports.forEach((imported) => filesOf(imported, found));
  }
  return found;
}

const start = Object.keys(manifest).filter(
  (key) => key.endsWith('client/entry.js') || key.endsWith('client-optimized/app.js'),
);
if (start.length !== 2) throw new Error('the manifest does not name what every page starts with');

/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

for (const page of nodes.filter(({ isPage }) => isPage)) {
  const files = new Set(
    [...start, ...entriesOf(page).map(({ entry }) => entry)].flatMap((key) => [...filesOf(key)]),
  );
  const size = [...files].reduce((sum, file) => sum + statSync(`build/${file}.gz`).size, 0);
  const budget = page.folder === SIGN_IN ? BUDGET.signIn : BUDGET.other;
  console.log(
    `${page.folder.padEnd(26)} ${kilobytes(size).padStart(8)} of JavaScript, gzipped (at most ${kilobytes(budget)})`,
  );
  if (size > budget) process.exitCode = 1;
}

if (process.exitCode) console.error('A page is over its budget.');
if (!nodes.some(({ folder, isPage }) => isPage && folder === SIGN_IN))
  throw new Error(`no such page: ${SIGN_IN}`);
