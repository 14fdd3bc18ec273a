import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ fallback: '200.html', precompress: true }),
      // Trusted are our own files and Kit's bootstrap, which the server finds by its hash.
      csp: { mode: 'hash', directives: { 'script-src': ['self'] } },
      // The default is the time of the build, which would make every build different.
      version: { name: version },
    }),
  ],
  // The budget check reads the manifest to tell what a route loads.
  build: { manifest: true },
  server: { proxy: { '/api': 'http://localhost:8080' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
