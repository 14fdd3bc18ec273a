// The main journey: its steps in their order. After the first, each begins on the page Security,
// signed in as the owner.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

export const OWNER = {
  name: 'Ana',
  email: 'ana@example.org',
  password: 'correct horse battery staple',
};

/** Addresses that fields of type=email refuse or change, depending on the browser. */
const MEMBERS = [
  { name: 'Kim', email: 'kim@straße.example' },
  { name: 'Jörg', email: 'jörg@example.org' },
];

/** How long the page may take to show something, in milliseconds. */
const PATIENCE = 10_000;

/** How long the browser may take to answer. A page that hangs never does. */
const HANGS = 30_000;

/** The browser does not answer. No later step can pass. */
export class Hung extends Error {}

/** A script that finds what is visible by its words, in the topmost dialog if there is one. */
const FIND = `
  const [kind, name] = arguments;
  const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  const plain = (text) => text.trim().replace(/\\s+/g, ' ');
  const words = (element) => plain(element.innerText);
  const named = (element) =>
    [plain(element.textContent), element.getAttribute('aria-label')].includes(name);
  const all = (selector) => [...top.querySelectorAll(selector)].filter((element) => element.checkVisibility());
  switch (kind) {
    case 'field':
      return all('label').find((label) => words(label).startsWith(name))?.control
        ?? all('input, select').find(named) ?? null;
    case 'button':
      return all('button, a').find((element) => named(element) && !element.disabled) ?? null;
    case 'text':
      return words(top);
    case 'dialog': {
      if (top === document.body) return null;
      const { top: above, bottom, left, right, height } = top.getBoundingClientRect();
      return {
        title: words(top.querySelector('h2')),
        within: above >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth,
        height,
        window: innerHeight,
      };
    }
  }
`;

/** A person at a browser: finds things by labels and the words on buttons. */
export class Person {
  constructor(driver, url) {
    this.driver = driver;
    this.url = url;
  }

  /** Waits for the answer of the browser. */
  async #ask(command) {
    const limit = new AbortController();
    const hangs = pause(HANGS, null, { signal: limit.signal }).then(() => {
      throw new Hung(`the browser did not answer within ${HANGS / 1000} s`);
    });
    try {
      return await Promise.race([command, hangs]);
    } finally {
      hangs.catch(() => {});
      limit.abort();
    }
  }

  run(script, ...args) {
    return this.#ask(this.driver.executeScript(script, ...args));
  }

  look(kind, name) {
    return this.run(FIND, kind, name);
  }

  /** Asks again every 100 ms, until there is an answer or patience ends. */
  async until(what, ask) {
    const last = Date.now() + PATIENCE;
    for (;;) {
      const answer = await ask();
      if (answer) return answer;
      if (Date.now() > last)
        assert.fail(`${what} did not come; the page says: ${await this.look('text')}`);
      await pause(100);
    }
  }

  open(path) {
    return this.#ask(this.driver.get(this.url + path));
  }

  reload() {
    return this.#ask(this.driver.navigate().refresh());
  }

  goBack() {
    return this.#ask(this.driver.navigate().back());
  }

  picture() {
    return this.#ask(this.driver.takeScreenshot());
  }

  find(kind, name) {
    return this.until(`the ${kind} “${name}”`, () => this.look(kind, name));
  }

  async press(name) {
    const button = await this.find('button', name);
    await this.#ask(button.click());
  }

  /** Types into a field, in the place of what it says. */
  async type(label, text) {
    const field = await this.find('field', label);
    await this.#ask(field.clear());
    if (text) await this.#ask(field.sendKeys(text));
    return field;
  }

  async choose(label, option) {
    await this.run(
      `const [select, option] = arguments;
       select.value = option;
       for (const type of ['input', 'change']) select.dispatchEvent(new Event(type, { bubbles: true }));`,
      await this.find('field', label),
      option,
    );
  }

  async valueOf(label) {
    return this.run('return arguments[0].value', await this.find('field', label));
  }

  async sees(words) {
    const found = (text) => (words instanceof RegExp ? words.test(text) : text.includes(words));
    await this.until(`“${words}”`, async () => found(await this.look('text')));
  }

  /** Waits for a page by its path. */
  async isAt(path) {
    await this.until(path, async () => (await this.run('return location.pathname')) === path);
  }

  /** Waits for the dialog, which must not be stretched to the height of the window. */
  async seesDialog(title) {
    await this.until(
      `the dialog “${title}”`,
      async () => (await this.look('dialog'))?.title === title,
    );
    const { height, within, window } = await this.look('dialog');
    assert.ok(within, `“${title}” fits into the window`);
    assert.ok(height < window * 0.9, `“${title}” is ${height} px high, the window ${window}`);
  }

  async seesNoDialog() {
    await this.until('the end of the dialog', async () => !(await this.look('dialog')));
  }
}

async function signIn(person, { email, password } = OWNER) {
  await person.type('Email', email);
  await person.type('Password', password);
  await person.press('Sign in');
}

/** Goes to where each step begins, also after a step that failed. */
export async function begin(person) {
  await person.open('/settings/security');
  const isIn = () => person.look('button', 'Sign out');
  await person.until('a page', async () => (await isIn()) || person.look('field', 'Email'));
  if (!(await isIn())) await signIn(person);
  await person.isAt('/settings/security');
}

/** The link is named after the member, too. */
const openAccount = (person) =>
  person.run('document.querySelector(\'a[href="/account"]\').click()');

async function signOut(person) {
  await person.press('Sign out');
  await person.isAt('/sign-in');
}

async function setUp(person, server) {
  await person.open(`/setup#token=${server.setupToken()}`);
  await person.type('Organization', 'Example Observatory');
  await person.type('Your name', OWNER.name);
  await person.type('Email', OWNER.email);
  await person.type('Password', OWNER.password);
  await person.press('Create organization');
  await person.isAt('/overview');
}

async function signInTwice(person, server) {
  await signOut(person);
  await signIn(person);
  await person.isAt('/overview');
  await server.signIn();
  await openAccount(person);
  await person.sees('Sign out the others');
}

async function invite(person, server) {
  await person.open('/settings/members');
  server.links = [];
  for (const { name, email } of MEMBERS) {
    await person.press('Invite');
    await person.seesDialog('Invite a member');
    await person.type('Email', email);
    await person.type('Name', name);
    await person.press('Invite');
    await person.sees(email);
    server.links.push(await person.valueOf('Link'));
    await person.press('Done');
    await person.seesNoDialog();
    await person.sees(email);
  }
}

async function membersSignIn(person, server) {
  await signOut(person);
  for (const [i, member] of MEMBERS.entries()) {
    const { pathname, hash } = new URL(server.links[i]);
    await person.open(pathname + hash);
    await person.type('Password', OWNER.password);
    await person.press('Join');
    await person.isAt('/welcome');
    await signOut(person);
    await signIn(person, { ...OWNER, email: member.email });
    await person.isAt('/account');
    await person.sees(member.email);
    await signOut(person);
  }
}

async function numberField(person, server) {
  const before = await server.policy();
  const invalid = (field) => person.run("return arguments[0].ariaInvalid === 'true'", field);
  for (const typed of ['1,5', '12 hours', '1e2', '-3', '0', '']) {
    const field = await person.type('Session length', typed);
    await person.press('Save');
    await person.until(`an error at “${typed}”`, () => invalid(field));
    assert.equal(await person.valueOf('Session length'), typed, 'what was typed stays');
    assert.deepEqual(await server.policy(), before, `“${typed}” is not saved`);
  }
  await person.type('Session length', '２０');
  await person.press('Save');
  await person.sees(/Saved(?! by)/);
  assert.deepEqual(await server.policy(), { value: 20, unit: 'days' });
}

async function save(person, server) {
  await person.type('Session length', '13');
  await person.press('Save');
  await person.sees(/Saved(?! by)/);
  assert.deepEqual(await server.policy(), { value: 13, unit: 'days' });
}

async function dialogs(person) {
  const looks = async (title, ...buttons) => {
    for (const button of buttons) await person.press(button);
    await person.seesDialog(title);
  };
  const leaves = async (button) => {
    await person.press(button);
    await person.seesNoDialog();
  };

  await looks('Sign everyone out?', 'Revoke all sessions');
  await leaves('Cancel');

  await person.type('Session length', '14');
  await openAccount(person);
  await looks('Leave without saving?');
  await leaves('Stay here');
  // The proof of this session is fresh, so the refusal is played.
  await person.run(PLAY_STALE_PROOF);
  await looks('Confirm that it is you', 'Save');
  await person.type('Password', OWNER.password);
  await leaves('Confirm and save');
  await person.sees(/Saved(?! by)/);

  await person.open('/settings/members');
  await person.press(OWNER.name); // the drawer is as high as the window
  await looks('Block your own sign-in?', 'Block sign-in');
  await person.press('Cancel');
  await leaves('Close');

  await person.open('/account');
  await looks('Set up an authenticator app', 'Set up an authenticator app');
  await leaves('Cancel');
}

const PLAY_STALE_PROOF = `
  const { fetch } = window;
  window.fetch = async (request) => {
    if (request.method !== 'PUT') return fetch(request);
    window.fetch = fetch;
    const problem = { code: 'reauthentication_required', status: 403, title: '', detail: '', type: '' };
    const headers = { 'Content-Type': 'application/problem+json' };
    return new Response(JSON.stringify(problem), { status: 403, headers });
  };
`;

/** A reloaded page must respond, and receive events. */
async function reload(person, server) {
  for (const page of ['settings/security', 'settings/sessions', 'settings/members', 'account']) {
    await person.open(`/${page}`);
    for (let times = 0; times < 3; times++) {
      await person.reload();
      await person.find('button', 'Sign out');
    }
  }
  await person.open('/settings/security');
  await person.reload();
  await person.sees(/\b2 sessions/);
  await server.signIn();
  await person.sees(/\b3 sessions/);
  // WebKit keeps the page, and shows it as it was left.
  await person.open('/api/docs');
  await server.signIn();
  await person.goBack();
  await person.sees(/\b4 sessions/);
  assert.notEqual(await person.valueOf('Session length'), '', 'a kept page has what it showed');
  await server.signIn();
  await person.sees(/\b5 sessions/);
}

async function signInAgainInPlace(person, server) {
  await person.type('Session length', '9');
  await server.revokeOwnersOtherSessions();
  await person.seesDialog('Sign in again');
  await person.sees(OWNER.email);
  await person.type('Password', OWNER.password);
  await person.press('Sign in');
  await person.seesNoDialog();
  assert.equal(await person.valueOf('Session length'), '9');
  await person.press('Discard');
}

async function revokeAll(person, server) {
  const program = await server.signIn();
  await person.press('Revoke all sessions');
  await person.seesDialog('Sign everyone out?');
  await person.type('Reason', 'A laptop was stolen');
  await person.press('Revoke all sessions');
  await person.isAt('/sign-in');
  await person.sees('You signed everyone out');
  assert.equal(await server.isAdmitted(program), false);
  await signIn(person);
  await person.isAt('/overview');
}

export const STEPS = {
  'sets up the organization': setUp,
  'signs in twice': signInTwice,
  'invites members with addresses beyond ASCII': invite,
  'signs in with such an address': membersSignIn,
  'reads a number strictly': numberField,
  'saves a policy': save,
  'shows dialogs of each kind': dialogs,
  'reloads signed-in pages, and goes back to one': reload,
  'signs in again in place': signInAgainInPlace,
  'revokes all sessions': revokeAll,
};
