/** Debian's Chromium with a profile of its own, which keeps to itself, and a page of the web view in it. */
import { type AddressInfo, createServer } from 'node:net';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { startMetricsServer } from '../../src/control/server.ts';
import type { Status } from '../../src/control/status.ts';
import type { Talk } from '../../src/control/talk.ts';
import { address } from '../unit/control/canned.ts';

export const browserPath = '/usr/bin/chromium';

/** Its own: nothing is downloaded, reported or kept. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface BrowserOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  /** As `--host-resolver-rules` has them. */
  readonly names?: string;
}

/** The caller closes it. */
export function openBrowser({
  width = 1200,
  height = 900,
  scheme = 'light',
  names,
}: BrowserOptions = {}): Promise<BrowserContext> {
  return chromium.launchPersistentContext('', {
    executablePath: browserPath,
    headless: true,
    args: [...quiet, ...(names === undefined ? [] : [`--host-resolver-rules=${names}`])],
    viewport: { width, height },
    colorScheme: scheme,
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
}

export interface Served {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** The metrics' port of a daemon that says this; 0: any that is free. */
export async function serve(wanted: number, status: () => Status, talk: () => Talk): Promise<Served> {
  const port = wanted === 0 ? await freePort() : wanted;
  const server = await startMetricsServer({
    status: async () => status(),
    talk: async () => talk(),
    metrics: async () => [],
    policy: async () => ({ zones: [] }),
    listen: { host: address('127.0.0.1'), port },
  });
  return { port, url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/** What a page complains of: its console, errors of its scripts, and what the policy of its content refuses. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return complaints;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
