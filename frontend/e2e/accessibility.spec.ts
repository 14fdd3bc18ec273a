import type { Page } from '@playwright/test';
import axe from 'axe-core';
import { expect, test } from './journey';
import { STATES } from './states';

declare global {
  interface Window {
    axe: typeof axe;
  }
}

test.use({ reducedMotion: 'reduce' });

test.describe('before there is an organization', () => {
  test.use({ data: 'none' });
  test('setup', async ({ page, server }) => {
    await page.goto(`/setup#token=${server.setupToken}`);
    await page.getByLabel('Password').fill('not long');
    await expectSound(page);
    await expectOperable(page);
  });
});

for (const { name, enter } of STATES) {
  test(name, async ({ page, server }) => {
    await enter(page, server);
    await expectSound(page);
    await expectOperable(page);
  });
}

/**
 * Nothing for axe to find, wide in light and narrow in dark, and nothing to scroll sideways at any
 * width.
 */
async function expectSound(page: Page) {
  await page.evaluate(axe.source);
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [375, 'light'],
    [320, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth), `width at ${width} px`)
      .toBeLessThanOrEqual(width);
    if (width === 375) continue; // laid out as at 320 px
    // The colours change with the next frames, and some of them by a transition, however short.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    await page.waitForFunction(() =>
      document.getAnimations().every(({ playState }) => playState !== 'running'),
    );
    const { violations, passes } = await findings(page);
    expect(violations, `axe at ${width} px, ${colorScheme}`).toEqual([]);
    expect(passes, 'rules that found something to judge').toBeGreaterThan(10);
  }
}

/**
 * What axe finds, once it has been put into the page. Of what is sound it need not tell each place.
 */
function findings(page: Page) {
  return page.evaluate(async () => {
    const { violations, passes } = await window.axe.run({ resultTypes: ['violations'] });
    return { violations, passes: passes.length };
  });
}

/**
 * Every control is reached by Tab, and where the focus is can be seen and is covered by nothing. It
 * stays at 320 px, where room is short.
 */
async function expectOperable(page: Page) {
  const expected = await page.evaluate(() => {
    const tabbable = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const scope = [...document.querySelectorAll(':modal')].at(-1) ?? document.body;
    const controls = [...scope.querySelectorAll<HTMLElement>(tabbable)].filter(
      (control) =>
        control.tabIndex >= 0 && !control.matches(':disabled') && control.checkVisibility(),
    );
    controls.forEach((control, i) => control.setAttribute('data-control', String(i)));
    (document.activeElement as HTMLElement | null)?.blur();
    return controls.length;
  });
  const reached = new Set<string>();
  // A round may begin in the middle, and pass the browser's own controls.
  for (let tabs = 0; reached.size < expected && tabs < 2 * expected + 5; tabs++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const control = document.activeElement;
      const name = control?.getAttribute('data-control');
      if (!control || !name) return null;
      const { outlineStyle } = getComputedStyle(control);
      const { x, y, width, height } = control.getBoundingClientRect();
      const onTop = document.elementFromPoint(x + width / 2, y + height / 2);
      return {
        name,
        html: control.outerHTML.slice(0, 200),
        ringed: outlineStyle !== 'none',
        covered: !(onTop && (control.contains(onTop) || onTop.contains(control))),
      };
    });
    if (!focus) continue;
    reached.add(focus.name);
    expect(focus).toMatchObject({ ringed: true, covered: false });
  }
  expect(reached.size, 'controls reached by Tab').toBe(expected);
}
