// Starts Debian's Firefox and WebKit, and returns a WebDriver client for each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Builder, Session, WebDriver } from 'selenium-webdriver';
import { Name } from 'selenium-webdriver/lib/command.js';

/** How long a program may take to start, in milliseconds. */
const START = 60_000;

/** The certificate is self-signed. */
const CAPABILITIES = { acceptInsecureCerts: true };

const running = new Set();

/** Starts a program in a process group of its own, with the processes that it starts. */
export function start(program, args, { env = {}, stdio = ['ignore', 'ignore', 'pipe'] } = {}) {
  const child = spawn(program, args, { stdio, detached: true, env: { ...process.env, ...env } });
  child.log = '';
  child.stderr.on('data', (chunk) => (child.log += chunk));
  child.once('error', (cause) => (child.log += cause.message));
  if (child.pid) running.add(child.pid);
  return child;
}

/** Ends every process group that was started here. A browser that hangs has to be killed. */
export async function endAll() {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    for (const group of running) {
      try {
        process.kill(-group, signal);
      } catch {
        running.delete(group); // it has ended
      }
    }
    if (running.size > 0) await pause(1000);
  }
  running.clear();
}

/** Waits until the program is ready. */
export async function until(ready, child) {
  const last = Date.now() + START;
  for (;;) {
    const result = await ready();
    if (result) return result;
    if (!child.pid || child.exitCode !== null || Date.now() > last) {
      throw new Error(`${child.spawnfile} did not start:\n${child.log}`);
    }
    await pause(50);
  }
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * The commands of Marionette, the protocol of Firefox itself. Debian has no geckodriver to
 * translate them.
 */
const MARIONETTE = {
  [Name.GET]: 'WebDriver:Navigate',
  [Name.REFRESH]: 'WebDriver:Refresh',
  [Name.GO_BACK]: 'WebDriver:Back',
  [Name.SET_WINDOW_RECT]: 'WebDriver:SetWindowRect',
  [Name.EXECUTE_SCRIPT]: 'WebDriver:ExecuteScript',
  [Name.CLICK_ELEMENT]: 'WebDriver:ElementClick',
  [Name.CLEAR_ELEMENT]: 'WebDriver:ElementClear',
  [Name.SEND_KEYS_TO_ELEMENT]: 'WebDriver:ElementSendKeys',
  [Name.SCREENSHOT]: 'WebDriver:TakeScreenshot',
};

/** Executes WebDriver commands in Firefox. A message is its length in bytes, a colon, and JSON. */
class Marionette {
  #socket;
  #received = Buffer.alloc(0);
  #waiting = [];

  constructor(port) {
    this.#socket = connect(port, '127.0.0.1').on('data', (data) => this.#receive(data));
    this.#socket.on('error', () => {}); // each command has a time limit
  }

  execute(command) {
    const { id: element, ...parameters } = command.getParameters();
    const id = element && Object.values(element)[0];
    return this.send(MARIONETTE[command.getName()], { ...parameters, id });
  }

  /** Sends a command. Marionette answers in the order of the commands. */
  send(name, parameters = {}) {
    const message = JSON.stringify([0, 0, name, parameters]);
    this.#socket.write(`${Buffer.byteLength(message)}:${message}`);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #receive(data) {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const colon = this.#received.indexOf(':');
      const end = colon + 1 + Number(this.#received.subarray(0, colon));
      if (colon < 0 || this.#received.length < end) return;
      const message = JSON.parse(this.#received.subarray(colon + 1, end));
      this.#received = this.#received.subarray(end);
      if (Array.isArray(message)) this.#answer(message); // otherwise it greets
    }
  }

  #answer([, , problem, result]) {
    const { resolve, reject } = this.#waiting.shift();
    if (problem) reject(new Error(`${problem.error}: ${problem.message}`));
    else resolve(result && 'value' in result ? result.value : result);
  }
}

/** Firefox selects a free port. Its lookups of settings and experiments outside are off. */
const PREFERENCES = `
user_pref('marionette.port', 0);
user_pref('services.settings.server', 'data:,');
user_pref('app.normandy.enabled', false);
`;

async function startFirefox(folder) {
  writeFileSync(join(folder, 'user.js'), PREFERENCES);
  const args = ['--marionette', '--headless', '--no-remote', '--profile', folder];
  const firefox = start('firefox-esr', args, { env: { HOME: folder } });
  const portFile = join(folder, 'MarionetteActivePort');
  const port = await until(() => existsSync(portFile) && Number(readFileSync(portFile)), firefox);
  const marionette = new Marionette(port);
  const { sessionId, capabilities } = await marionette.send('WebDriver:NewSession', CAPABILITIES);
  return new WebDriver(new Session(sessionId, capabilities), marionette);
}

/** MiniBrowser of WebKitGTK has no headless mode, so it gets a screen in memory. */
async function startWebKit(folder) {
  const args = '-displayfd 3 -screen 0 1400x1000x24 -nolisten tcp'.split(' ');
  const screen = start('Xvfb', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let display = '';
  screen.stdio[3].on('data', (data) => (display += data));
  await until(() => display.endsWith('\n'), screen);
  const port = await freePort();
  const env = { HOME: folder, DISPLAY: `:${display.trim()}`, GDK_BACKEND: 'x11' };
  const driver = start('WebKitWebDriver', [`--port=${port}`], { env });
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${url}/status`).catch(() => null), driver);
  return new Builder()
    .usingServer(url)
    .withCapabilities({ browserName: 'MiniBrowser', ...CAPABILITIES })
    .build();
}

export const BROWSERS = {
  // On localhost, Firefox keeps Secure cookies without TLS. WebKit does not.
  Firefox: { start: startFirefox, tls: false },
  WebKit: { start: startWebKit, tls: true },
};
