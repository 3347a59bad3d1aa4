/**
 * The web view: a page, its style and script, and what they show. It is served on loopback only, to who asks for this host by a
 * name of its own: a page from elsewhere cannot read it, not even where its own name leads here (DNS rebinding).
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Address, familyOf } from '../model/address.ts';
import { rarely } from './rarely.ts';
import { type Answer, json, type Route, type Routes } from './routes.ts';
import type { Status } from './status.ts';
import type { Talk } from './talk.ts';
import { webView } from './web-view.ts';

export interface WebSources {
  readonly status: () => Promise<Status>;
  /** Who talks to whom; reads the whole table of connections. */
  readonly talk: () => Promise<Talk>;
}

/** One reading a second costs a host with a thousand zones some milliseconds; the twentieth part of the time is the most. */
const viewRest = { restMs: 900, times: 20 };
const talkRest = { restMs: 4500, times: 20 };

/** Nothing from elsewhere, nothing inline, and no text that becomes HTML. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** What stands in `page` beside this file, and beside the bundle. */
export const pageFiles = {
  'index.html': 'text/html',
  'style.css': 'text/css',
  'page.js': 'text/javascript',
  'zones.js': 'text/javascript',
  'talk.js': 'text/javascript',
  'text.js': 'text/javascript',
} as const;
type PageFile = keyof typeof pageFiles;

export function webRoutes({ status, talk }: WebSources): Routes {
  const view = rarely(async () => JSON.stringify(webView(await status(), hostname(), Date.now())), viewRest);
  const talked = rarely(async () => JSON.stringify(await talk()), talkRest);
  const data = (body: () => Promise<string>): Route =>
    notForPagesElsewhere(async () => ({ code: 200, type: 'application/json', body: await body(), headers }));
  return new Map<string, Route>([
    ['/', file('index.html')],
    ...(Object.keys(pageFiles) as PageFile[]).map((name) => [`/page/${name}`, file(name)] as const),
    ['/v1/view', data(view)],
    ['/v1/talk', data(talked)],
  ]);
}

/** A page from elsewhere could read nothing, and yet make the daemon work. A browser says so, and nobody else does. */
export function notForPagesElsewhere(route: Route): Route {
  return async (query, asked) => {
    const site = asked['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none') return route(query, asked);
    return { ...json(403, { error: 'no page from elsewhere may ask for this' }), headers };
  };
}

/** In place of the page, where it would be open to other hosts. */
export const notOnLoopback: Routes = new Map([
  [
    '/',
    async () =>
      json(403, {
        error: 'the web view is served only where control.metrics-listen is on loopback, e.g. 127.0.0.1:9475',
      }),
  ],
]);

/** By `Host`: a browser always says what name it was given. */
export function isOwnName(host: string | undefined, listen: Address): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:\d*$/, '').toLowerCase();
  const own = familyOf(listen) === 'ipv6' ? `[${listen}]` : listen;
  return [own, 'localhost', '127.0.0.1', '[::1]'].includes(name);
}

/** Read once, when it is first asked for: an upgrade does not mix two versions. */
function file(name: PageFile): () => Promise<Answer> {
  let body: string | undefined;
  return async () => {
    body ??= readFileSync(join(import.meta.dirname, 'page', name), 'utf8');
    return { code: 200, type: `${pageFiles[name]}; charset=utf-8`, body, headers };
  };
}
