import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const sources = import.meta.glob<string>('../**/*.{ts,svelte,html}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** By an id or a name in the page, an element becomes a member of these objects. */
const byName =
  /\b(?:window|document|globalThis|self|frames)\s*(?:\?\.)?(?:\[|as\b)|\bdocument\.(?:forms|all|images|links|embeds|anchors|getElementsByName)\b/;

// What a module names it declares or imports, which TypeScript checks where it is strict, and no
// element can stand in for it.
//
// ASVS 3.2.3
it('nothing is looked up by a name that an element could have', () => {
  const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as {
    compilerOptions: Record<string, unknown>;
  };
  expect(compilerOptions.strict).toBe(true);
  const read = Object.entries(sources).filter(([path]) => !path.endsWith('.test.ts'));
  expect(read.length).toBeGreaterThan(50);
  expect(read.filter(([, text]) => byName.test(text)).map(([path]) => path)).toEqual([]);
  for (const text of ['window[key]', "document['x']", 'document.forms.x', '(window as Any)']) {
    expect(text).toMatch(byName);
  }
});
