import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerInTurn, lost, ok, problem } from '../../../test/fake-server';
import type { CurrentSession } from '../api/session';
import type { SecuritySettings } from '../api/settings';
import { FakeBrowser } from '../../../test/fake-browser';
import { Live } from './live.svelte';

const current = (session = 's1', member = 'ana') =>
  ({
    session: { id: session },
    member: { id: member, name: member },
    policy: { sessionLength: { value: 14, unit: 'days' } },
  }) as CurrentSession;

const ended = { reason: 'revoked_all', at: '2026-01-02T14:02:00Z', by: 'Ana' } as const;
const revoked = { code: 'session_revoked', detail: 'Ana revoked all sessions.', ended };
const saved = { version: 4, sessionLength: { value: 8, unit: 'hours' } } as SecuritySettings;

let browser: FakeBrowser;
let tabs: (() => void)[] = [];

/** A tab that shows a page. */
function openTab(of = current()) {
  const tab = new Live();
  const signedInAgain = vi.fn(async () => {});
  const close = tab.start(of, signedInAgain);
  tabs.push(close);
  return { tab, signedInAgain, close };
}

/** Lets happen what is due. */
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  browser = new FakeBrowser();
  answerInTurn();
});

afterEach(() => {
  tabs.forEach((close) => close());
  tabs = [];
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('one tab', () => {
  it('listens, and says what it hears', async () => {
    const { tab } = openTab();
    const sessions = vi.fn();
    const policies = vi.fn();
    tab.onSessionsChanged(sessions);
    tab.onPolicyChanged(policies);
    expect(browser.stream.url).toBe('/api/events');
    expect(tab.listening).toBe(false);
    browser.stream.connect();
    expect(tab.listening).toBe(true);
    expect(sessions).not.toHaveBeenCalled();

    browser.stream.send('sessions.changed');
    expect(sessions).toHaveBeenCalledTimes(1);
    browser.stream.send('session.expiring', { expiresIn: 300 });
    expect(tab.endsAt).toBe(Date.now() + 300_000);

    const requests = answerInTurn(ok(current()));
    browser.stream.send('policy.changed', saved);
    expect(policies).toHaveBeenCalledWith(saved);
    expect(tab.policy).toEqual(saved);
    await settle();
    // The new policy is another end of this session, and asking for it is no access.
    expect(requests[0]?.headers.get('Curfew-Passive')).toBe('true');
  });

  it('calls a listener of changes only while the page is seen, and after that', () => {
    const { tab } = openTab();
    const sessions = vi.fn();
    const stop = tab.onSessionsChanged(sessions);
    Object.assign(browser.document, { hidden: true });
    browser.stream.send('sessions.changed');
    expect(sessions).not.toHaveBeenCalled();
    Object.assign(browser.document, { hidden: false });
    browser.look();
    expect(sessions).toHaveBeenCalledTimes(1);
    stop();
    browser.look();
    browser.stream.send('sessions.changed');
    expect(sessions).toHaveBeenCalledTimes(1);
  });

  it('says how the session ended, and listens no longer', () => {
    const { tab } = openTab();
    browser.stream.connect();
    browser.stream.send('session.ended', revoked);
    expect(tab.ended).toEqual(revoked);
    expect(tab.listening).toBe(false);
    expect(browser.open).toHaveLength(0);
    browser.online();
    expect(browser.open).toHaveLength(0);
  });

  it('stops with the page', () => {
    const { close } = openTab();
    close();
    expect(browser.open).toHaveLength(0);
    browser.online();
    expect(browser.streams).toHaveLength(1);
  });
});

describe('after a break', () => {
  it('it asks whether the session is alive, listens again, and has everybody read anew', async () => {
    const { tab } = openTab();
    const sessions = vi.fn();
    const returned = vi.fn();
    tab.onSessionsChanged(sessions);
    tab.onReturn(returned);
    browser.stream.connect();
    const requests = answerInTurn(ok(current()));
    browser.stream.fail();
    expect(tab.listening).toBe(false);
    expect(browser.open).toHaveLength(0);

    await settle(500);
    expect(requests[0]?.headers.get('Curfew-Passive')).toBe('true');
    expect(returned).not.toHaveBeenCalled();
    browser.stream.connect();
    expect(tab.listening).toBe(true);
    expect(returned).toHaveBeenCalledTimes(1);
    expect(sessions).toHaveBeenCalledTimes(1);
  });

  it('an expired token is refreshed without an access', async () => {
    openTab();
    const requests = answerInTurn(problem(401, 'token_expired'), ok({}), ok(current()));
    browser.stream.fail();
    await settle(500);
    expect(requests.map(({ url }) => new URL(url).pathname)).toEqual([
      '/api/session',
      '/api/sessions/refresh',
      '/api/session',
    ]);
    for (const { headers } of requests) expect(headers.get('Curfew-Passive')).toBe('true');
    expect(browser.open).toHaveLength(1);
  });

  it('a connection that beats no more is taken for dead', async () => {
    openTab();
    browser.stream.connect();
    for (let beats = 0; beats < 3; beats++) {
      await settle(49_999);
      browser.stream.send('beat');
    }
    expect(browser.streams).toHaveLength(1);
    answerInTurn(ok(current()));
    await settle(49_999);
    expect(browser.streams).toHaveLength(1);
    await settle(1);
    expect(browser.streams).toHaveLength(2);
    expect(browser.open).toHaveLength(1);
  });

  it('an outage signs nobody out, and is asked about ever more seldom', async () => {
    const { tab } = openTab();
    const requests = answerInTurn(
      lost(),
      problem(503, 'storage_unavailable'),
      lost(),
      ok(current()),
    );
    browser.stream.fail();
    for (const [wait, asked] of [
      [499, 0],
      [1, 1],
      [999, 1],
      [1, 2],
      [1999, 2],
      [1, 3],
      [3999, 3],
      [1, 4],
    ] as const) {
      await settle(wait);
      expect(requests).toHaveLength(asked);
    }
    expect(tab.ended).toBeNull();
    expect(browser.open).toHaveLength(1);
  });

  it('it never waits longer than half a minute', async () => {
    openTab();
    const requests = answerInTurn(...Array.from({ length: 12 }, lost), ok(current()));
    browser.stream.fail();
    await settle(12 * 30_000);
    expect(requests).toHaveLength(13);
  });

  it('a server that cuts off at once is not asked again at once', async () => {
    openTab();
    answerInTurn(...Array.from({ length: 20 }, () => ok(current())));
    for (let i = 0; i < 4; i++) {
      browser.stream.connect();
      browser.stream.fail();
      await settle(500 * 2 ** i);
    }
    expect(browser.streams).toHaveLength(5);
  });

  it('a session that ended in the meantime is said', async () => {
    const { tab } = openTab();
    answerInTurn(problem(401, 'session_revoked', { ended }));
    browser.stream.fail();
    await settle(500);
    expect(tab.ended).toEqual({ code: 'session_revoked', detail: 'session_revoked', ended });
    expect(browser.open).toHaveLength(0);
  });

  it('being online again ends the waiting', async () => {
    openTab();
    answerInTurn(lost(), ok(current()));
    browser.stream.fail();
    await settle(500);
    browser.online();
    await settle();
    expect(browser.open).toHaveLength(1);
  });

  it('a machine that slept does not trust its connection', async () => {
    const { tab } = openTab();
    browser.stream.connect();
    const before = browser.stream;
    answerInTurn(ok(current()));
    await settle(30_000);
    expect(browser.stream).toBe(before);
    vi.setSystemTime(Date.now() + 3_600_000);
    await settle(15_000);
    expect(before.closed).toBe(true);
    expect(browser.open).toHaveLength(1);
    expect(tab.ended).toBeNull();
  });
});

describe('a lock that is refused', () => {
  it('is not asked for again at once, nor for ever', async () => {
    openTab();
    browser.refuseLocks();
    await settle();
    expect(browser.lockRequests).toBe(1);
    for (const [wait, requests] of [
      [999, 1],
      [1, 2],
      [1999, 2],
      [1, 3],
      [4000, 4],
    ] as const) {
      await settle(wait);
      expect(browser.lockRequests).toBe(requests);
    }
    await settle(3_600_000);
    expect(browser.lockRequests).toBeLessThan(10);
    // Without locks each tab listens for itself.
    expect(browser.open).toHaveLength(1);
  });

  it('is not asked for again once the page goes away', async () => {
    openTab();
    browser.hide();
    browser.refuseLocks();
    await settle(60_000);
    expect(browser.lockRequests).toBe(1);
    expect(browser.open).toHaveLength(0);
  });

  it('is not asked for again once the page was left, even if a retry was due', async () => {
    const { close } = openTab();
    browser.refuseLocks();
    await settle(500);
    close();
    await settle(60_000);
    expect(browser.lockRequests).toBe(1);
    expect(browser.open).toHaveLength(0);
  });
});

it('an error of a closed connection does not connect again', async () => {
  openTab();
  const { stream } = browser;
  answerInTurn(ok(current()));
  browser.hide();
  stream.fail(); // as WebKit reports it, once the page is back
  await settle(60_000);
  expect(browser.streams).toHaveLength(1);
});

it('a page that comes back by the back button listens again, and reads what it missed', async () => {
  const { tab } = openTab();
  const returned = vi.fn();
  tab.onReturn(returned);
  browser.stream.connect();
  browser.hide();
  expect(browser.open).toHaveLength(0);
  expect(tab.listening).toBe(false);

  answerInTurn(ok(current()));
  browser.comeBack();
  await settle();
  expect(returned).toHaveBeenCalledTimes(1);
  browser.stream.connect();
  expect(tab.listening).toBe(true);
});

it('a page that comes back after its session ended says so', async () => {
  const { tab } = openTab();
  browser.hide();
  answerInTurn(problem(401, 'session_revoked', { ended }));
  browser.comeBack();
  await settle();
  expect(tab.ended?.ended).toEqual(ended);
  expect(browser.open).toHaveLength(0);
});

describe('two tabs', () => {
  it('have one stream, and both hear', () => {
    const { tab: first } = openTab();
    browser.stream.connect();
    const { tab: second } = openTab();
    expect(browser.streams).toHaveLength(1);
    expect(second.listening).toBe(true);

    const sessions = vi.fn();
    second.onSessionsChanged(sessions);
    browser.stream.send('sessions.changed');
    expect(sessions).toHaveBeenCalledTimes(1);
    browser.stream.send('session.ended', revoked);
    expect(first.ended).toEqual(revoked);
    expect(second.ended).toEqual(revoked);
  });

  it('the other one takes over when the first is closed', async () => {
    const { close } = openTab();
    browser.stream.connect();
    const { tab } = openTab();
    const returned = vi.fn();
    tab.onReturn(returned);
    close();
    await settle();
    browser.stream.connect();
    expect(tab.listening).toBe(true);
    // No tab heard what happened between the two.
    expect(returned).toHaveBeenCalledTimes(1);
    browser.stream.send('session.ended', revoked);
    expect(tab.ended).toEqual(revoked);
  });

  it('one that is looked at takes over from one that is asleep', async () => {
    openTab();
    browser.stream.connect();
    const asleep = browser.stream;
    browser.silence();
    openTab();
    browser.look();
    await settle(999);
    expect(browser.stream).toBe(asleep);
    await settle(1);
    expect(asleep.closed).toBe(true);
    expect(browser.open).toHaveLength(1);
  });

  it('one that is looked at leaves the lead to one that answers', async () => {
    openTab();
    openTab();
    browser.look();
    await settle(5000);
    expect(browser.streams).toHaveLength(1);
  });

  it('each listen where there are no locks', () => {
    browser = new FakeBrowser({ locks: false });
    openTab();
    openTab();
    expect(browser.open).toHaveLength(2);
  });

  it('read anew in both after a break', async () => {
    openTab();
    browser.stream.connect();
    const { tab } = openTab();
    const returned = vi.fn();
    tab.onReturn(returned);
    answerInTurn(ok(current()));
    browser.stream.fail();
    expect(tab.listening).toBe(false);
    await settle(500);
    browser.stream.connect();
    expect(tab.listening).toBe(true);
    expect(returned).toHaveBeenCalledTimes(1);
  });

  it('know of an access in the other that moves the end', () => {
    const { tab: first } = openTab();
    const { tab: second } = openTab();
    first.expiresIn(240);
    second.expiresIn(3600);
    expect(first.endsAt).toBe(Date.now() + 3_600_000);
  });

  it('go on together when one signs in again', async () => {
    const { tab: first, signedInAgain: inFirst } = openTab();
    const { tab: second, signedInAgain: inSecond } = openTab();
    browser.stream.send('session.ended', revoked);
    const requests = answerInTurn(ok(current('s2')));

    await second.resume(current('s2'));
    await settle();

    expect(requests).toHaveLength(1); // the first one asked which session it has
    expect(first.ended).toBeNull();
    expect(second.ended).toBeNull();
    expect(inFirst).toHaveBeenCalledTimes(1);
    expect(inSecond).toHaveBeenCalledTimes(1);
    browser.stream.send('session.ended', revoked);
    expect(first.ended).toEqual(revoked);
    expect(second.ended).toEqual(revoked);
  });

  it('say it when somebody else signs in in one of them', async () => {
    const { tab } = openTab();
    answerInTurn(ok(current('s9', 'ben')));
    openTab(current('s9', 'ben'));
    await settle();
    expect(tab.replacedBy).toBe('ben');
    // The one that is no longer theirs listens to nothing any more, and takes nothing from the
    // other.
    const { stream } = browser;
    browser.look();
    await settle(5000);
    expect(browser.stream).toBe(stream);
  });

  it('say it in the other when the person signs out in one', () => {
    const { tab: first } = openTab();
    const { tab: second } = openTab();
    second.signedOut(revoked);
    expect(first.ended).toEqual(revoked);
    expect(second.ended).toBeNull();
    second.refused(revoked); // a late answer
    expect(second.ended).toBeNull();
  });
});

it('is the page of somebody else, no more, where it was their passkey that signed in', async () => {
  const { tab, signedInAgain } = openTab();
  browser.stream.send('session.ended', revoked);
  await tab.resume(current('s2', 'ben'));
  expect(tab.replacedBy).toBe('ben');
  expect(signedInAgain).not.toHaveBeenCalled();
});

describe('a refusal', () => {
  it('is said over the page, as the server tells it when asked', async () => {
    const { tab } = openTab();
    const requests = answerInTurn(problem(401, 'session_revoked', { ended }));
    tab.refused({ code: 'no_session', detail: '' });
    await settle();
    expect(tab.ended?.ended).toEqual(ended);
    expect(requests[0]?.headers.get('Curfew-Passive')).toBe('true');
    expect(browser.open).toHaveLength(0);
  });

  it('holds where the server cannot be asked', async () => {
    const { tab } = openTab();
    answerInTurn(lost());
    tab.refused(revoked);
    await settle();
    expect(tab.ended).toEqual(revoked);
  });

  it('that is about an earlier session is none', async () => {
    const { tab } = openTab();
    await tab.resume(current('s2'));
    answerInTurn(ok(current('s2')));
    tab.refused(revoked);
    await settle();
    expect(tab.ended).toBeNull();
  });

  it('that was asked about before the member signed in again is none either', async () => {
    const { tab } = openTab();
    let answer: (response: Response) => void = () => {};
    answerInTurn(new Promise<Response>((resolve) => (answer = resolve)));
    tab.refused(revoked);
    await tab.resume(current('s2'));
    answer(problem(401, 'session_revoked', { ended }));
    await settle();
    expect(tab.ended).toBeNull();
  });

  it('is nothing to say over a page that is gone', async () => {
    const { tab, close } = openTab();
    close();
    tab.refused(revoked);
    await settle();
    expect(tab.ended).toBeNull();
  });
});

describe('an end by the own hand', () => {
  it('is no news to the one who does it', async () => {
    const { tab } = openTab();
    await tab.ending(async () => {
      browser.stream.send('session.ended', revoked);
      expect(tab.ended).toBeNull();
      await tab.resume(current('s2'));
    });
    expect(tab.ended).toBeNull();
    expect(browser.open).toHaveLength(1);
  });

  it('is no news after leaving either', async () => {
    const { tab } = openTab();
    await tab.ending(async () => {
      browser.stream.send('session.ended', revoked);
      tab.signedOut(revoked);
    });
    expect(tab.ended).toBeNull();
  });

  it('that failed is told if another hand was faster', async () => {
    const { tab } = openTab();
    const failing = tab.ending(async () => {
      browser.stream.send('session.ended', revoked);
      throw new Error('refused');
    });
    await expect(failing).rejects.toThrow('refused');
    expect(tab.ended).toEqual(revoked);
  });
});
