import type { Browser, CDPSession } from '@playwright/test';
import { expect, test as journey } from './journey';
import { OWNER, Server } from './server';

/**
 * How fast the page is, by the browser's own clock. Everything is measured once in each round, so
 * that what else the machine does meets all of it alike.
 */
const ROUNDS = 3;
const SESSIONS = 100_000;
const MEMBERS = 5_000;

/** How many times the processor is slowed down: as on a cheap phone, and not at all. */
const SLOWED = [4, 1];

/** The targets in milliseconds, on a slowed processor and on this one. */
const INTERACTIVE = new Map([
  [4, 1500],
  [1, 500],
]);

/**
 * What holds up the page for longer than this is felt, in milliseconds: the browsers' own limit for
 * calling a task long.
 */
const LONG = 50;

const SIGN_IN = {
  name: 'sign-in',
  path: '/sign-in',
  control: 'input[name="email"]:enabled',
  whole: 'button.primary',
};
const SECURITY = {
  name: 'Security',
  path: '/settings/security',
  control: 'form input[inputmode="numeric"]:enabled',
  /** The preview comes last. */
  whole: 'section[aria-labelledby="preview"] .chart',
};
/** The control that a person uses first, and what comes last. */
const OTHERS = [
  {
    name: 'Overview',
    path: '/overview',
    control: 'main [aria-pressed]',
    whole: 'main h2',
  },
  {
    name: 'Sessions',
    path: '/settings/sessions',
    control: 'input[data-search]',
    whole: 'main tbody tr:not(.skeleton)',
  },
  {
    name: 'Members',
    path: '/settings/members',
    control: 'input[data-search]',
    whole: 'main tbody tr:not(.skeleton)',
  },
  {
    name: 'Audit log',
    path: '/settings/audit',
    control: 'input[data-search]',
    whole: 'main section li:not(.skeleton)',
  },
  { name: 'General', path: '/settings/general', control: 'main input', whole: 'main form' },
  { name: 'Your account', path: '/account', control: 'main button', whole: 'main h2' },
];
/** What saving would do is told, and drawn. */
const FORETOLD = 'section[aria-labelledby="preview"][aria-busy="false"] .chart .before';

const test = journey.extend({
  // Playwright wants the pattern, although nothing is needed here.
  // eslint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    const server = await Server.startPopulation(SESSIONS, MEMBERS);
    await use(server);
    await server.dispose();
  },
});

const ME = { email: 'owner@example.org', password: OWNER.password };

interface Loading {
  firstPaint: number;
  firstContentfulPaint: number;
  interactive: number;
  blocking: number;
}

interface Task {
  /** Milliseconds. */
  duration: number;
  /** What took longest in it. */
  what: string;
}

interface Visit {
  page: string;
  cache: 'cold' | 'warm';
  slowed: number;
  loading: Loading;
  tasks: (Task & { during: string })[];
}

declare global {
  interface Window {
    timings: {
      quiet: (whole: string) => Promise<void>;
      loading: () => Loading;
      take: () => Task[];
    };
  }
}

/** Runs in the page, before anything of its own does, and notes what the browser tells of it. */
function record({ control, long }: { control: string; long: number }) {
  /** How long nothing may hold the page up for it to count as calm. */
  const CALM = 500;
  const all: PerformanceEntry[] = [];
  const frames: Frame[] = [];
  let taken = 0;
  let usable = Infinity;

  interface Frame extends PerformanceEntry {
    scripts: { duration: number; invoker: string; sourceFunctionName: string }[];
  }
  const end = ({ startTime, duration }: PerformanceEntry) => startTime + duration;

  new PerformanceObserver((list) => all.push(...list.getEntries())).observe({
    type: 'longtask',
    buffered: true,
  });
  new PerformanceObserver((list) => frames.push(...(list.getEntries() as Frame[]))).observe({
    type: 'long-animation-frame',
    buffered: true,
  });

  // The server renders nothing: a control that is there has its listeners. It can be used from the
  // frame on that shows it.
  const arrival = new MutationObserver(() => {
    if (!document.querySelector(control)) return;
    arrival.disconnect();
    requestAnimationFrame(() => setTimeout(() => (usable = performance.now())));
  });
  arrival.observe(document, { subtree: true, childList: true, attributes: true });

  const painted = (name: string) => performance.getEntriesByName(name)[0]?.startTime ?? Infinity;

  /**
   * From when on the main control is seen and can be used, and nothing holds the page up before it
   * has been calm.
   */
  function interactive() {
    let from = Math.max(usable, painted('first-contentful-paint'));
    for (const task of all) {
      if (task.startTime > from + CALM) break;
      from = Math.max(from, end(task));
    }
    return from;
  }

  /**
   * How long, in all, tasks went on beyond what is not felt. It is counted from the start, and not
   * from the first content as is usual: that is the page itself here, before which most of the work
   * is done.
   */
  function blocking(until: number) {
    const rests = all.map((task) => Math.min(end(task), until) - (task.startTime + long));
    return rests.reduce((sum, rest) => sum + Math.max(0, rest), 0);
  }

  function cause(task: PerformanceEntry) {
    const scripts = frames
      .filter((frame) => frame.startTime < end(task) && end(frame) > task.startTime)
      .flatMap((frame) => frame.scripts)
      .sort((one, other) => other.duration - one.duration);
    const [longest] = scripts;
    if (!longest || longest.duration < task.duration / 2) return 'style, layout and the like';
    const { invoker, sourceFunctionName } = longest;
    const name = invoker.replace(location.origin, '');
    return sourceFunctionName ? `${name} (${sourceFunctionName})` : name;
  }

  window.timings = {
    async quiet(whole) {
      while (!document.querySelector(whole)) await new Promise(requestAnimationFrame);
      const since = performance.now();
      for (;;) {
        const left = Math.max(since, ...all.map(end)) + CALM - performance.now();
        if (left <= 0) return;
        await new Promise((again) => setTimeout(again, left));
      }
    },
    loading() {
      const from = interactive();
      return {
        firstPaint: painted('first-paint'),
        firstContentfulPaint: painted('first-contentful-paint'),
        interactive: from,
        blocking: blocking(from),
      };
    },
    take() {
      const tasks = all
        .slice(taken)
        .map((task) => ({ duration: task.duration, what: cause(task) }));
      taken = all.length;
      return tasks;
    },
  };
}

/**
 * Asks by the browser's own protocol: Playwright runs a script in the page before its first
 * question, which would be measured too.
 */
async function ask<T>(browser: CDPSession, expression: string): Promise<T> {
  const { result, exceptionDetails } = await browser.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
  return result.value as T;
}

/** Visits a page in a new browser, and once more with what that has kept. */
async function visit(browser: Browser, server: Server, page: typeof SIGN_IN, slowed: number) {
  const context = await browser.newContext({ baseURL: server.url });
  if (page !== SIGN_IN) {
    const answer = await context.request.post('/api/sessions', { data: ME });
    expect(answer.ok(), await answer.text()).toBe(true);
  }
  const visits: Visit[] = [];
  for (const cache of ['cold', 'warm'] as const) {
    const tab = await context.newPage();
    const protocol = await context.newCDPSession(tab);
    await protocol.send('Emulation.setCPUThrottlingRate', { rate: slowed });
    await tab.addInitScript(record, { control: page.control, long: LONG });

    await tab.goto(page.path);
    await ask(protocol, `timings.quiet('${page.whole}')`);
    const loading = await ask<Loading>(protocol, 'timings.loading()');
    const tasks: Visit['tasks'] = [];
    const note = async (during: string) => {
      const noted = await ask<Task[]>(protocol, 'timings.take()');
      tasks.push(...noted.map((task) => ({ ...task, during })));
    };
    await note('loading');

    if (page === SECURITY) {
      await ask(
        protocol,
        `{ const field = document.querySelector('${page.control}'); field.focus(); field.select() }`,
      );
      for (const key of ['3', '0', 'Backspace']) {
        await tab.keyboard.press(key);
        await ask(protocol, `timings.quiet('${FORETOLD}')`);
      }
      await note('typing');

      const chart = tab.getByRole('img', { name: /100,\d{3}/ });
      await expect(chart, 'what was measured').toBeVisible();
    }
    visits.push({ page: page.name, cache, slowed, loading, tasks });
    await tab.close();
  }
  await context.close();
  return visits;
}

test('timings', async ({ browser, server }) => {
  test.setTimeout(10 * 60_000);
  await visit(browser, server, SECURITY, 1); // a warm-up
  const visits: Visit[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const page of [SIGN_IN, SECURITY, ...OTHERS]) {
      for (const slowed of SLOWED) visits.push(...(await visit(browser, server, page, slowed)));
    }
  }
  process.stdout.write(`${report(visits)}\n`);
});

/** What was measured, as tables for people: medians, with the least and the most. */
function report(visits: Visit[]): string {
  const processor = ({ slowed }: Visit) => (slowed === 1 ? 'as it is' : `slowed ${slowed}×`);
  const kind = (visit: Visit) => [visit.page, visit.cache, processor(visit)];

  const loading = groups(visits, kind).map(([kind, alike]) => [
    ...kind,
    ...(['firstPaint', 'firstContentfulPaint', 'interactive', 'blocking'] as const).map((figure) =>
      spread(alike.map((visit) => visit.loading[figure])),
    ),
  ]);

  const tasks = visits.flatMap((visit) => visit.tasks.map((task) => ({ ...task, visit })));
  const long = groups(tasks, (task) => [...kind(task.visit), task.during, task.what])
    .sort(([one], [other]) => one.join().localeCompare(other.join()))
    .map(([key, alike]) => [
      ...key.slice(0, -1),
      String(alike.length),
      spread(alike.map((task) => task.duration)),
      ...key.slice(-1),
    ]);

  const verdicts = [...INTERACTIVE].map(([slowed, target]) => {
    const at = groups(
      visits.filter((visit) => visit.slowed === slowed),
      kind,
    );
    const slowest = Math.max(
      ...at.map(([, alike]) => median(alike.map(({ loading }) => loading.interactive))),
    );
    const met = slowest <= target ? 'met' : 'not met';
    return `Interactive within ${target} ms, slowed ${slowed}×: ${met}, the slowest median is ${slowest}`;
  });
  return [
    `Milliseconds from the start of the navigation: median (least–most) of ${ROUNDS} visits`,
    '',
    table(
      ['page', 'cache', 'processor', 'first paint', 'with content', 'interactive', 'blocked'],
      loading,
    ),
    '',
    `Tasks longer than ${LONG} ms`,
    '',
    table(['page', 'cache', 'processor', 'while', 'tasks', 'duration', 'longest part'], long),
    '',
    ...verdicts,
  ].join('\n');
}

/** Puts together what has the same key, in the order in which each key came first. */
function groups<T>(all: T[], key: (one: T) => string[]): [string[], T[]][] {
  const found = new Map<string, [string[], T[]]>();
  for (const one of all) {
    const parts = key(one);
    const group = found.get(parts.join()) ?? [parts, []];
    group[1].push(one);
    found.set(parts.join(), group);
  }
  return [...found.values()];
}

function median(figures: number[]): number {
  const sorted = figures.map(Math.round).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function spread(figures: number[]): string {
  const whole = figures.map(Math.round);
  return `${median(whole)} (${Math.min(...whole)}–${Math.max(...whole)})`;
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
