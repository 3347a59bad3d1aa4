import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isOwnName, pageFiles } from '../../../src/control/web.ts';
import { webView } from '../../../src/control/web-view.ts';
import { address, ask, freePort, noon, servingMetrics, statusOf, zoneOf } from './support.ts';

const directory = join(import.meta.dirname, '../../../src/control/page');
const page = (name: string) => readFileSync(join(directory, name), 'utf8');

test('is served with what it needs, all of it from here', async () => {
  const where = await local();
  const front = await ask(where, '/');
  expect([front.code, front.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(front.body).toBe(page('index.html'));
  const linked = [...front.body.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, path = '']) => path);
  expect(linked).toEqual(['/page/style.css', '/page/page.js', '/metrics', '/metrics', '/healthz']);
  const imported = Object.keys(pageFiles).flatMap((name) => {
    return [...page(name).matchAll(/^import .* from '\.\/(.*)';$/gm)].map(([, other = '']) => `/page/${other}`);
  });
  for (const path of new Set([...linked, ...imported])) expect(await ask(where, path)).toMatchObject({ code: 200 });
  expect(readdirSync(directory).sort()).toEqual([...Object.keys(pageFiles), 'tsconfig.json'].sort());
});

test('keeps everything out that is not its own: scripts, styles, HTML made of text, frames, types guessed', async () => {
  const where = await local();
  for (const path of ['/', '/page/page.js', '/page/style.css', '/v1/view', '/v1/talk']) {
    const { headers } = await ask(where, path);
    const rules = String(headers['content-security-policy']).split('; ');
    expect(rules).toContain("default-src 'none'");
    expect(rules).toContain("script-src 'self'");
    expect(rules).toContain("frame-ancestors 'none'");
    expect(rules).toContain("require-trusted-types-for 'script'");
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
  const html = page('index.html');
  expect(html).not.toMatch(/ on[a-z]+=| style=|<style|<script>|https?:/);
  for (const name of Object.keys(pageFiles)) {
    const rest = page(name).replaceAll('http://www.w3.org/2000/svg', '');
    expect(rest, name).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|eval\(|https?:|url\(/);
  }
});

test.each([
  ['127.0.0.1:9475', true],
  ['127.0.0.1', true],
  ['localhost:8080', true],
  ['LOCALHOST', true],
  ['[::1]:9475', true],
  [undefined, true],
  ['evil.example', false],
  ['evil.example:9475', false],
  ['127.0.0.1.evil.example:9475', false],
  ['localhost.evil.example', false],
  ['127.0.0.1:9475.evil.example', false],
  ['192.0.2.7:9475', false],
  ['', false],
])('a request to the name %s is one to this host: %s', (host, expected) => {
  expect(isOwnName(host, address('127.0.0.1'))).toBe(expected);
});

test('no name that leads here from elsewhere reads anything, not the metrics either', async () => {
  const where = await local();
  expect(isOwnName('127.9.9.9:9475', address('127.9.9.9'))).toBe(true);
  for (const path of ['/', '/v1/view', '/v1/talk', '/metrics', '/healthz']) {
    const host = `rebound.example:${where.port}`;
    expect(await ask(where, path, 'GET', { host })).toMatchObject({
      code: 421,
      body: expect.not.stringContaining('web'),
    });
  }
});

test('a page from elsewhere does not make the daemon work', async () => {
  const where = await local();
  for (const path of ['/v1/view', '/v1/talk', '/metrics', '/healthz']) {
    for (const [site, code] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const) {
      expect(await ask(where, path, 'GET', { 'sec-fetch-site': site })).toMatchObject({ code });
    }
  }
  expect(await ask(where, '/', 'GET', { 'sec-fetch-site': 'cross-site' })).toMatchObject({ code: 200 });
});

test('is not served to other hosts, whose Prometheus asks by any name', async () => {
  const port = await freePort();
  await servingMetrics(port, '0.0.0.0');
  const where = { host: '127.0.0.1', port };
  expect(await ask(where, '/')).toMatchObject({
    code: 403,
    body: expect.stringContaining('only where control.metrics-listen is on loopback'),
  });
  for (const path of ['/v1/view', '/v1/talk', '/page/page.js'])
    expect(await ask(where, path)).toMatchObject({ code: 404 });
  expect(await ask(where, '/metrics', 'GET', { host: 'dom0.example:9475' })).toMatchObject({ code: 200 });
});

test('answers with what it shows, and nothing of what only root may read', async () => {
  const where = await local();
  const { body } = await ask(where, '/v1/view');
  const view = JSON.parse(body);
  expect(view).toEqual({ ...JSON.parse(JSON.stringify(webView(statusOf(), hostname(), view.at))) });
  expect(body).not.toContain('/zones.d/vif7.0.toml');
  expect(body).not.toContain('4711');
});

test('tells of each kind of drop that there is, and of counters that could not be read', () => {
  const zone = zoneOf({ sent: null, dropped: { ...zoneOf().dropped, source: { packets: 7, bytes: 1 }, limit: null } });
  const [shown] = webView(statusOf({ zones: [zone] }), 'dom0', noon).zones;
  expect(shown).toMatchObject({ sent: null, received: 840, dropped: { source: 7 } });
});

async function local() {
  const port = await freePort();
  await servingMetrics(port);
  return { host: '127.0.0.1', port };
}
