/** The web view as people see and use it: in Debian's Chromium. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../src/control/status.ts';
import type { Talk } from '../../src/control/talk.ts';
import { address, noon, statusOf, zoneOf } from '../unit/control/canned.ts';
import { complaintsOf, openBrowser, serve } from './browser.ts';
import { exampleStatus, exampleTalk } from './example.ts';

const begun = performance.now();
let browser: BrowserContext;
beforeAll(async () => {
  browser = await openBrowser({ names: 'MAP rebound.example 127.0.0.1' });
});
afterAll(() => browser.close());

const growing = () => exampleStatus((performance.now() - begun) / 100);

test('shows zones with their states and rates, drops, what is wrong, repairs, and who talks to whom', async () => {
  const { page, complaints, served } = await opened(growing);
  const asked = new Set<string>();
  page.on('request', (request) => asked.add(new URL(request.url()).origin));
  await page.reload();
  await page.getByRole('heading', { name: /degraded/ }).waitFor();
  const row = page.getByRole('row', { name: /^build-runner / });
  await row.getByText(/^ready 4h$/).waitFor();
  expect(await row.locator('td').nth(8).getAttribute('title')).toMatch(/^denied \d/);
  const rate = row.locator('td').nth(4);
  await expect.poll(() => rate.textContent(), { timeout: 15_000 }).toMatch(/^[\d.]+ ?[KMG]B$/);
  expect(await row.locator('polyline').getAttribute('points')).toMatch(/^[\d.]+,[\d.]+/);
  const wrong = page.getByRole('region', { name: 'What is wrong' });
  await wrong.getByText('10.80.0.9 is outside of the subnet').waitFor();
  await wrong.getByText('protect-network zone set vif12.0 --ipv4 10.75.0.12').waitFor();
  await page.getByText('our jump in ip filter FORWARD, changed by ufw (812)').waitFor();
  const picture = page.getByRole('img', { name: /^Who talks to whom/ });
  expect(await picture.locator('path').count()).toBe(8);
  expect(await picture.locator('g.host').textContent()).toBe('this host (10.75.0.1)');
  await page.getByText('As a table').click();
  await page.getByRole('row', { name: 'web database 5432/tcp 64' }).waitFor();
  expect([...asked]).toEqual([new URL(served.url).origin]);
  expect(complaints).toEqual([]);
});

test('names, reasons and addresses are text, whatever they hold', async () => {
  const evil = `<img src=x onerror=alert(1)><script>alert(2)</script>"'><b>`;
  const turned = 'a\u202ecod.exe\x07';
  const zones = [
    zoneOf({ name: evil, state: 'unserved', reason: `${evil}: no`, fix: evil }),
    zoneOf({ link: 'vif8.0', ifindex: 8, name: turned }),
  ];
  const repair = { at: noon, milliseconds: 1, culprits: [evil], cause: evil, what: [evil] };
  const status = () =>
    statusOf({
      zones,
      version: evil,
      uplinks: [{ interface: evil, families: [] }],
      warnings: [`w ${evil}`],
      lastRepairs: [repair],
    });
  const end = { kind: 'zone', address: evil, link: 'vif7.0', name: evil } as const;
  const talk = (): Talk => ({
    at: 0,
    connections: 1,
    pairs: [{ from: end, to: end, connections: 1, services: [evil], hasMoreServices: true }],
  });
  const { page, complaints } = await opened(status, talk);
  await page.getByRole('button', { name: evil }).click();
  await page.getByText('As a table').click();
  await page.getByRole('row', { name: `${evil} ${evil} ${evil} … 1` }).waitFor();
  expect(await page.locator('img, b, script:not([src])').count()).toBe(0);
  expect(
    await page
      .getByRole('row', { name: /vif8\.0/ })
      .locator('button')
      .textContent(),
  ).toBe('a\ufffdcod.exe\ufffd');
  expect(complaints).toEqual([]);
});

test('is used by keyboard alone: filter, order, one zone in the picture, pause', async () => {
  const { page } = await opened(growing);
  await page.getByRole('button', { name: 'staging' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type('10.75 run');
  await expect.poll(() => firstColumn(page)).toEqual(['build-runner']);
  expect(await page.locator('#shown').textContent()).toBe('1 of 6 zones');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await expect.poll(() => firstColumn(page)).toHaveLength(6);

  await tabTo(page, 'Zone');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => firstColumn(page))
    .toEqual(['build-runner', 'database', 'mail', 'monitoring', 'staging', 'web']);
  expect(await page.locator('th').first().getAttribute('aria-sort')).toBe('ascending');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => firstColumn(page))
    .toEqual(['web', 'staging', 'monitoring', 'mail', 'database', 'build-runner']);
  expect(await page.locator('th').first().getAttribute('aria-sort')).toBe('descending');

  await tabTo(page, 'mail');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#picture path').count()).toBe(1);
  // The next answer takes neither the choice nor the focus away.
  const moment = await page.locator('#connection').textContent();
  await expect.poll(() => page.locator('#connection').textContent(), { timeout: 15_000 }).not.toBe(moment);
  expect(await focused(page)).toBe('mail');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#picture path').count()).toBe(8);

  await page.getByRole('button', { name: 'Pause' }).focus();
  await page.keyboard.press('Space');
  await page.getByText(/^Paused at /).waitFor();
});

test('says since when the daemon is away, and goes on with the next one', async () => {
  const first = await serve(0, growing, exampleTalk);
  const page = await newPage();
  await page.goto(first.url);
  await page.getByText(/^As of \d/).waitFor();
  await first.close();
  await page
    .getByText(/^Not reachable since \d\d:\d\d:\d\d \(no answer\)\. Trying again; what is shown is older\.$/)
    .waitFor();
  expect(await firstColumn(page)).toHaveLength(6);
  const next = await serve(first.port, growing, exampleTalk);
  onTestFinished(() => next.close());
  await page.getByText(/^As of \d/).waitFor();
});

test('asks for nothing while it is paused, or nobody looks', async () => {
  let asked = 0;
  const status = () => {
    asked += 1;
    return growing();
  };
  const served = await serve(0, status, exampleTalk);
  onTestFinished(() => served.close());
  const page = await newPage();
  await page.clock.install();
  await page.goto(served.url);
  await page.getByText(/^As of \d/).waitFor();
  const isAsking = async () => {
    const before = asked;
    // Of the page's own clock. The server's rest between two readings is real.
    await page.clock.runFor(10_000);
    return asked > before;
  };
  await expect.poll(isAsking).toBe(true);
  await page.getByRole('button', { name: 'Pause' }).click();
  expect(await isAsking()).toBe(false);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(isAsking).toBe(true);
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true }));
  expect(await isAsking()).toBe(false);
});

test.each(['light', 'dark'] as const)('a thousand zones are readable, on a phone too (%s)', async (scheme) => {
  const zones = Array.from({ length: 1000 }, (_, place) => {
    const name = place % 3 === 0 ? `a-very-long-name-that-never-ends-and-has-no-space-${place}` : `zone-${place}`;
    return zoneOf({
      link: `vif${place + 1}.0`,
      ifindex: place + 1,
      name,
      addresses: [address(`10.75.${place >> 8}.${place & 255}`)],
    });
  });
  const ill = zoneOf({ link: 'vif1001.0', ifindex: 1001, name: 'ill', state: 'failed', reason: 'why' });
  const { page, complaints } = await opened(() => statusOf({ zones: [...zones, ill] }), exampleTalk, scheme);
  await expect.poll(() => page.locator('#zones tbody tr').count(), { timeout: 20_000 }).toBe(1001);
  expect((await firstColumn(page))[0]).toBe('ill');
  for (const width of [1200, 600, 320]) {
    await page.setViewportSize({ width, height: 700 });
    const spare = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(spare, `${width} pixels`).toBeLessThanOrEqual(0);
    const table = await page.locator('.scroll').first().boundingBox();
    expect(table?.height).toBeLessThanOrEqual(0.7 * 700 + 2);
  }
  // WCAG 2.1, 1.4.3: text is to have a contrast of 4.5 to its ground.
  for (const what of [
    'body',
    '#summary',
    '#state',
    '#zones td.failed',
    '#zones td.ready',
    'th button',
    'td button',
    'footer a',
  ]) {
    expect(await contrast(page, what), what).toBeGreaterThanOrEqual(4.5);
  }
  await page.getByLabel('Filter').fill('zone-998');
  await expect.poll(() => firstColumn(page)).toEqual(['zone-998']);
  expect(complaints).toEqual([]);
});

test('a name that leads here from elsewhere shows nothing', async () => {
  const served = await serve(0, growing, exampleTalk);
  onTestFinished(() => served.close());
  const page = await newPage();
  await page.goto(`http://rebound.example:${served.port}/`);
  expect(await page.locator('body').textContent()).toContain('this host is not asked by that name');
});

async function opened(status: () => Status, talk = exampleTalk, colorScheme: 'light' | 'dark' = 'light') {
  const served = await serve(0, status, talk);
  onTestFinished(() => served.close());
  const page = await newPage();
  await page.emulateMedia({ colorScheme });
  const complaints = complaintsOf(page);
  await page.goto(served.url);
  return { page, complaints, served };
}

/** Closed when the test ends. */
async function newPage(): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  return page;
}

function firstColumn(page: Page): Promise<string[]> {
  return page.locator('#zones tbody tr td:first-child').allTextContents();
}

function focused(page: Page): Promise<string | null> {
  return page.evaluate(() => document.activeElement?.textContent ?? null);
}

async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if ((await focused(page)) === text) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${text}`);
}

/** Of a text to what it stands on, as WCAG has it. */
function contrast(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const luminance = (colour: string) => {
        const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((text) => {
          const share = Number(text) / 255;
          return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      let ground: Element | null = element;
      while (ground !== null && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)')
        ground = ground.parentElement;
      const [one, other] = [getComputedStyle(element).color, getComputedStyle(ground ?? element).backgroundColor].map(
        luminance,
      );
      const [light, dark] = [Math.max(one ?? 0, other ?? 0), Math.min(one ?? 0, other ?? 0)];
      return (light + 0.05) / (dark + 0.05);
    });
}
