import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Authenticator } from './authenticator';

const BINARY = resolve(import.meta.dirname, process.env.CURFEW ?? '../../bin/curfew');
const DEMO = resolve(import.meta.dirname, '../../bin/curfew-demo');
const POPULATION = resolve(import.meta.dirname, '../../bin/curfew-population');

export const OWNER = {
  name: 'Ana',
  email: 'ana@example.org',
  password: 'correct horse battery staple',
};

/**
 * What a server finds at its start: nothing, an organization of OWNER alone, or that of `make
 * demo`, which is OWNER's too.
 */
export type Data = 'none' | 'organization' | 'demo';

/** The real program on a free port, with a data folder of its own. */
export class Server {
  readonly url: string;
  readonly #listen: string;
  readonly #data = mkdtempSync(join(tmpdir(), 'curfew-e2e-'));
  #process: ChildProcess | null = null;

  private constructor(port: number, host = 'localhost') {
    this.url = `http://${host}:${port}`;
    this.#listen = `localhost:${port}`;
  }

  /** Starts a server that browsers reach by the host: localhost, or a name below it. */
  static async startWith(data: Data, host?: string): Promise<Server> {
    const server = new Server(await freePort(), host);
    if (data !== 'none') cpSync(await Server.#made(data), server.#data, { recursive: true });
    await server.start();
    return server;
  }

  static readonly #folders = new Map<Data, string>();

  /**
   * The folder of such data. Making one takes a while, so that it is done once, and copied for each
   * journey.
   */
  static async #made(data: Exclude<Data, 'none'>): Promise<string> {
    const known = Server.#folders.get(data);
    if (known) return known;
    const folder = await (data === 'demo' ? Server.#makeDemo() : Server.#setUp());
    Server.#folders.set(data, folder);
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  static #makeDemo(): string {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-e2e-demo-'));
    execFileSync(DEMO, [folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    return folder;
  }

  static async #setUp(): Promise<string> {
    const server = await Server.startWith('none');
    try {
      const { setupToken } = server;
      const organization = 'Example Observatory';
      await call(server.url, 'POST', '/api/setup', { setupToken, organization, ...OWNER });
    } finally {
      await server.stop();
    }
    return server.#data;
  }

  /**
   * Serves a made-up organization of that size, whose owner signs in as owner@example.org with
   * OWNER's password.
   */
  static async startPopulation(sessions: number, members: number): Promise<Server> {
    const server = new Server(await freePort());
    execFileSync(POPULATION, ['--curfew', BINARY, server.#data, String(sessions), String(members)]);
    await server.start();
    return server;
  }

  /** Gives others rights to the data folder, or takes them. */
  chmod(mode: number) {
    chmodSync(this.#data, mode);
  }

  get setupToken(): string {
    return readFileSync(join(this.#data, 'setup-token'), 'utf8').trim();
  }

  async start() {
    const where = ['--data', this.#data, '--listen', this.#listen, '--public-url', this.url];
    const child = spawn(BINARY, ['serve', ...where], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let log = '';
    child.stderr.on('data', (chunk) => (log += chunk));
    for (;;) {
      if (child.exitCode !== null) throw new Error(`curfew ended at its start:\n${log}`);
      const ready = await fetch(`http://${this.#listen}/readyz`).catch(() => null);
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
}

type Role = 'owner' | 'admin' | 'auditor' | 'member';

/**
 * Opens a session without a browser, of the owner unless told otherwise, and gives its access
 * token.
 */
export async function signInByProgram(
  { url }: Server,
  { email, password } = OWNER,
  userAgent?: string,
) {
  const body = { email, password, transport: 'bearer' };
  const { accessToken } = await call<{ accessToken: string }>(
    url,
    'POST',
    '/api/sessions',
    body,
    undefined,
    userAgent,
  );
  return accessToken;
}

/** Has the owner invite a member, and returns the link. */
export async function invite(server: Server, role: Role, name: string, email = addressOf(name)) {
  const token = await signInByProgram(server);
  const { link } = await call<{ link: string }>(
    server.url,
    'POST',
    '/api/members',
    { name, email, role },
    token,
  );
  await call(server.url, 'DELETE', '/api/session', undefined, token);
  return link;
}

/** Has the owner invite a member, who accepts, and returns their credentials. */
export async function addMember(server: Server, role: Role, name: string, email = addressOf(name)) {
  const link = await invite(server, role, name, email);
  const secret = new URLSearchParams(new URL(link).hash.slice(1)).get('token');
  const { password } = OWNER;
  const { accessToken } = await call<{ accessToken: string }>(
    server.url,
    'POST',
    '/api/invitations/accept',
    { token: secret, password, transport: 'bearer' },
  );
  await call(server.url, 'DELETE', '/api/session', undefined, accessToken);
  return { name, email, password };
}

const addressOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@example.org`;

interface Policy {
  sessionLength: { value: number; unit: string };
  refreshAutomatically: boolean;
  maximumLifetime: { value: number; unit: string } | null;
}

/**
 * Saves a session configuration without a browser: 8 days with refresh on, but for what is told.
 */
export async function saveByProgram(server: Server, who = OWNER, policy: Partial<Policy> = {}) {
  const token = await signInByProgram(server, who);
  const length = { value: 8, unit: 'days' };
  const body = { sessionLength: length, refreshAutomatically: true, maximumLifetime: null };
  await call(server.url, 'PUT', '/api/settings/security', { ...body, ...policy }, token);
}

/** Revokes all sessions without a browser. */
export async function revokeAllByProgram(server: Server, who = OWNER, reason = 'Laptop stolen') {
  const token = await signInByProgram(server, who);
  await call(server.url, 'POST', '/api/sessions/revoke-all', { reason }, token);
}

/** Has the owner set up a second factor without a browser. */
export async function addFactor(server: Server) {
  const token = await signInByProgram(server);
  const factor = '/api/account/second-factor';
  const { secret, enrolment } = await call<{ secret: string; enrolment: string }>(
    server.url,
    'POST',
    `${factor}/enrolment`,
    undefined,
    token,
  );
  const code = new Authenticator(secret).code();
  await call(server.url, 'PUT', factor, { enrolment, code }, token);
}

/** Has the owner demand a second factor of every member. */
export async function demandFactors(server: Server) {
  const token = await signInByProgram(server);
  await call(server.url, 'PUT', '/api/settings/sign-in', { requireSecondFactor: true }, token);
}

/** Finds a member by their address, as the owner. Returns a function that calls the API on them. */
async function memberByProgram(server: Server, email: string) {
  const token = await signInByProgram(server);
  const { items } = await call<{ items: { id: string; email: string }[] }>(
    server.url,
    'GET',
    '/api/members',
    undefined,
    token,
  );
  const member = items.find((item) => item.email === email);
  if (!member) throw new Error(`no member has the address ${email}`);
  return <T = unknown>(method: string, path: string, body?: unknown) =>
    call<T>(server.url, method, `/api/members/${member.id}${path}`, body, token);
}

/**
 * Has the owner revoke all sessions of a member. It has signed in and found the member when it
 * returns.
 */
export async function revocationOf(server: Server, email: string) {
  const about = await memberByProgram(server, email);
  return () => about('POST', '/revoke-sessions');
}

/** Has the owner make a link to reset the password of a member, and returns it. */
export async function resetLink(server: Server, email: string) {
  const about = await memberByProgram(server, email);
  const { link } = await about<{ link: string }>('POST', '/link', {});
  return link;
}

/** Removes a member without a browser. */
export async function removeByProgram(server: Server, email: string) {
  const about = await memberByProgram(server, email);
  await about('DELETE', '');
}

/** Has the owner deactivate a member. */
export async function deactivateByProgram(server: Server, email: string) {
  const about = await memberByProgram(server, email);
  await about('PATCH', '', { active: false });
}

/** Calls the API as a program does. */
export async function call<T>(
  url: string,
  method: string,
  path: string,
  body: unknown,
  token?: string,
  userAgent = 'curl/8.14.1',
) {
  const answer = await fetch(url + path, {
    method,
    headers: {
      'User-Agent': userAgent,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
