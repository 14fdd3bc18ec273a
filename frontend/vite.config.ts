import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import type { Adapter } from '@sveltejs/kit';
import { readFileSync, writeFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const build = adapter({ fallback: '200.html', precompress: true });

/** Lists the pages for the server, which answers 404 at every other address. */
const withPages: Adapter = {
  ...build,
  async adapt(builder) {
    await build.adapt(builder);
    const pages = builder.routes.map(({ segments }) => segments.map(({ content }) => content));
    writeFileSync('build/pages.json', JSON.stringify(pages.map((page) => page.join('/')).sort()));
    if (builder.routes.some(({ segments }) => segments.some(({ dynamic }) => dynamic)))
      throw new Error('The server knows pages by their whole address: give them no parameters.');
  },
};

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: withPages,
      // Trusted are our own files and Kit's bootstrap, which the server finds by its hash.
      csp: { mode: 'hash', directives: { 'script-src': ['self'] } },
      // The default is the time of the build, which would make every build different.
      version: { name: version },
    }),
  ],
  build: {
    // The budget check reads the manifest to tell what a route loads.
    manifest: true,
  },
  server: { proxy: { '/api': 'http://localhost:8080' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
