import type { Page } from '@playwright/test';
import { expect, signIn, test } from './journey';

/** The most that a page may move while it loads, as cumulative layout shift. */
const LIMIT = 0.02;

const PAGES = [
  '/overview',
  '/settings/security',
  '/settings/sessions',
  '/settings/members',
  '/settings/audit',
  '/settings/general',
  '/account',
  '/help',
];

declare global {
  interface Window {
    moved: { value: number; what: string[] };
  }
}

/** Adds up what moves in the page. */
function watchShifts() {
  window.moved = { value: 0, what: [] };
  interface Shift extends PerformanceEntry {
    value: number;
    hadRecentInput: boolean;
    sources: { node: Node | null }[];
  }
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries() as Shift[]) {
      if (hadRecentInput) continue;
      window.moved.value += value;
      for (const { node } of sources) {
        if (node instanceof Element) window.moved.what.push(node.outerHTML.slice(0, 90));
      }
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

async function expectStill(page: Page, path: string, when: string) {
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.waitForLoadState('networkidle');
  // Two frames later the last answer is drawn.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
  const { value, what } = await page.evaluate(() => window.moved);
  expect.soft(value, `${path} ${when}\n${what.join('\n')}`).toBeLessThanOrEqual(LIMIT);
}

test.use({ data: 'demo' });

for (const [width, height] of [
  [1280, 800],
  [375, 812],
] as const) {
  test(`no page moves while it loads, at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    await page.addInitScript(watchShifts);
    const browser = await page.context().newCDPSession(page);
    await signIn(page);
    for (const rate of [1, 4]) {
      await browser.send('Emulation.setCPUThrottlingRate', { rate });
      for (const path of PAGES) await expectStill(page, path, `slowed ${rate}×`);
    }
  });
}
