/** `npm run docs:web`: the pictures of the web view in docs, by Chromium. */
import { join } from 'node:path';
import { openBrowser, serve } from './browser.ts';
import { exampleStatus, exampleTalk } from './example.ts';

const docs = join(import.meta.dirname, '../../docs');
const begun = performance.now();
// Faster than life: curves have a shape after some answers.
const served = await serve(0, () => exampleStatus((performance.now() - begun) / 400), exampleTalk);
try {
  for (const scheme of ['light', 'dark'] as const) {
    const browser = await openBrowser({ scheme, width: 1120, height: 860 });
    const page = await browser.newPage();
    // The name of the machine where they are made is of no interest.
    await page.route('**/v1/view', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), host: 'dom0' } });
    });
    await page.goto(served.url);
    await page.waitForFunction(
      () =>
        (document.querySelector('#zones tbody tr:nth-child(2) polyline')?.getAttribute('points') ?? '').split(' ')
          .length >= 8,
    );
    const path = join(docs, `web-${scheme}.png`);
    await page.screenshot({ path, animations: 'disabled' });
    await browser.close();
    process.stdout.write(`${path}\n`);
  }
} finally {
  await served.close();
}
