// Runs the journey in Firefox and WebKit against the real program (make browsers).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BROWSERS, endAll, freePort, start, until } from './browsers.js';
import { begin, Hung, OWNER, Person, STEPS } from './journey.js';

const BINARY = resolve(import.meta.dirname, '../../bin/curfew');
const PICTURES = resolve(import.meta.dirname, '../test-results/browsers');

/** How long all of it may take, in milliseconds. */
const LIMIT = 10 * 60_000;

/** The real program in a folder of its own, and what a client does there next to the browser. */
class Server {
  static async start(folder, tls) {
    const server = new Server();
    const port = await freePort();
    server.data = join(folder, 'data');
    server.direct = `http://localhost:${port}`;
    server.url = tls ? await serveTLS(folder, port) : server.direct;
    const listen = ['--listen', `localhost:${port}`, '--public-url', server.url];
    const curfew = start(BINARY, ['serve', '--data', server.data, ...listen]);
    const isReady = async () => (await fetch(`${server.direct}/readyz`)).ok;
    await until(() => isReady().catch(() => false), curfew);
    return server;
  }

  setupToken() {
    return readFileSync(join(this.data, 'setup-token'), 'utf8').trim();
  }

  async call(method, path, { token, body } = {}) {
    const answer = await fetch(this.direct + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  /** Begins another session, and returns its access token. */
  async signIn({ email, password } = OWNER) {
    const body = { email, password, transport: 'bearer' };
    return (await this.call('POST', '/api/sessions', { body })).accessToken;
  }

  async policy() {
    const token = await this.signIn();
    const { sessionLength } = await this.call('GET', '/api/settings/security', { token });
    await this.call('DELETE', '/api/session', { token });
    return sessionLength;
  }

  async revokeOwnersOtherSessions() {
    await this.call('POST', '/api/sessions/revoke-others', { token: await this.signIn() });
  }

  isAdmitted(token) {
    return this.call('GET', '/api/session', { token }).then(
      () => true,
      () => false,
    );
  }
}

/** Starts a TLS proxy to the port, with a self-signed certificate, and returns its URL. */
async function serveTLS(folder, port) {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const command = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost';
  const args = [...command.split(' '), '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const proxy = createServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (asked, answer) => {
      const { method, url: path, headers } = asked;
      const passed = request({ host: 'localhost', port, method, path, headers }, (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      passed.on('error', () => answer.destroy());
      answer.on('close', () => passed.destroy());
      asked.pipe(passed);
    },
  );
  const own = await freePort();
  await new Promise((listening) => proxy.listen(own, 'localhost', listening));
  return `https://localhost:${own}`;
}

const folder = mkdtempSync(join(tmpdir(), 'curfew-browsers-'));
let passed = 0;
let failed = 0;
let ending = false;

async function end() {
  ending = true;
  await endAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

/** Ends before all steps were tried. */
function giveUp(why) {
  failed++;
  console.log(`FAILED  ${why}`);
  return end();
}

async function walk(name, browser) {
  const own = join(folder, name);
  mkdirSync(own);
  const server = await Server.start(own, browser.tls);
  const driver = await browser.start(own);
  await driver.manage().window().setRect({ x: 0, y: 0, width: 1280, height: 900 });
  const person = new Person(driver, server.url);
  let lost = false;
  for (const [i, [step, take]] of Object.entries(STEPS).entries()) {
    const started = Date.now();
    try {
      if (lost) throw new Error('not tried');
      if (i > 0) await begin(person);
      await take(person, server);
      passed++;
      console.log(`ok      ${name} ${step} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      if (ending) return;
      failed++;
      console.log(`FAILED  ${name} ${step}: ${error.message.replaceAll(/\s+/g, ' ')}`);
      if (!lost && !(error instanceof Hung)) await takePicture(person, `${name} ${step}`);
      if (i === 0 || error instanceof Hung) lost = true;
    }
  }
}

async function takePicture(person, name) {
  const file = join(PICTURES, `${name.replaceAll(' ', '-')}.png`);
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(file, await person.picture().catch(() => ''), 'base64');
  console.log(`        ${file}`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => giveUp(signal));
process.once('uncaughtException', ({ message }) => giveUp(message));
setTimeout(() => giveUp(`not done after ${LIMIT / 60_000} minutes`), LIMIT).unref();

const [only] = process.argv.slice(2);
for (const [name, browser] of Object.entries(BROWSERS)) {
  if (only && only !== name.toLowerCase()) continue;
  try {
    await walk(name, browser);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error.message}`);
  }
  await endAll();
}
await end();
