import { expect, revokeAll, signIn, test } from './journey';

test.use({ reducedMotion: 'reduce' });

// WebKit makes every dialog as high as the window, which no other browser does by itself.
test('a dialog that is higher than what it says keeps that together', async ({ page }) => {
  await signIn(page);
  await revokeAll(page).click();
  const dialog = page.getByRole('dialog');
  const heading = dialog.getByRole('heading');
  const form = dialog.locator('form');
  const gap = async () => {
    const [above, below] = [await heading.boundingBox(), await form.boundingBox()];
    return (below?.y ?? 0) - (above?.y ?? 0) - (above?.height ?? 0);
  };
  const [natural, height] = [await gap(), (await form.boundingBox())?.height];
  await dialog.evaluate((element) => (element.style.blockSize = '100dvb'));
  expect(await gap()).toBe(natural);
  expect((await form.boundingBox())?.height).toBe(height);
});
