import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BINARY = resolve(import.meta.dirname, process.env.CURFEW ?? '../../bin/curfew');

export const OWNER = {
  name: 'Ana',
  email: 'ana@example.org',
  password: 'correct horse battery staple',
};

/** The real program on a free port, with a data folder of its own. */
export class Server {
  readonly url: string;
  readonly #data = mkdtempSync(join(tmpdir(), 'curfew-e2e-'));
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.url = `http://localhost:${port}`;
  }

  static async start(): Promise<Server> {
    const server = new Server(await freePort());
    await server.start();
    return server;
  }

  get setupToken(): string {
    return readFileSync(join(this.#data, 'setup-token'), 'utf8').trim();
  }

  async start() {
    const { host } = new URL(this.url);
    const child = spawn(BINARY, ['serve', '--data', this.#data, '--listen', host], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let log = '';
    child.stderr.on('data', (chunk) => (log += chunk));
    for (;;) {
      if (child.exitCode !== null) throw new Error(`curfew ended at its start:\n${log}`);
      const ready = await fetch(`${this.url}/readyz`).catch(() => null);
      if (ready?.ok) return;
      await new Promise((again) => setTimeout(again, 20));
    }
  }

  stop = () => this.#end('SIGTERM');

  /** As `kill -9` does: nothing gets the chance to be written. */
  kill = () => this.#end('SIGKILL');

  async #end(signal: 'SIGTERM' | 'SIGKILL') {
    const child = this.#process;
    this.#process = null;
    if (!child) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  async dispose() {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Creates the organization without the page, for journeys that begin later. */
  async setUp() {
    const answer = await fetch(`${this.url}/api/setup`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        setupToken: this.setupToken,
        organization: 'Example Observatory',
        ...OWNER,
      }),
    });
    if (!answer.ok) throw new Error(`set-up: ${await answer.text()}`);
  }
}

/** Opens a session of the owner without a browser. */
export async function signInByProgram({ url }: Server) {
  const answer = await fetch(`${url}/api/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'curl/8.14.1' },
    body: JSON.stringify({ email: OWNER.email, password: OWNER.password, transport: 'bearer' }),
  });
  if (!answer.ok) throw new Error(`sign-in: ${await answer.text()}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
