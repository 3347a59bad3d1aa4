/** Documentation that is installed leads to nothing that is not. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifest } from '../../../scripts/package/manifest.ts';
import { linksIn, read } from '../../lab/markdown.ts';

const root = join(import.meta.dirname, '../../..');
const place = 'share/doc/protect-network/';
const installed = manifest(root, join(root, 'no-bundle'), 0)
  .map(({ to }) => to)
  .filter((to) => to.startsWith(place))
  .map((to) => to.slice(place.length));
const pages = installed.filter((path) => path.endsWith('.md')).map(read);

it('is found', () => expect(installed).toEqual(expect.arrayContaining(['docs/README.md', 'SECURITY.md'])));

it('is what the unit names', () => {
  const { text } = read('systemd/protect-network.service');
  const [, path] = /^Documentation=.*file:\/usr\/share\/doc\/protect-network\/(\S+)/m.exec(text) ?? [];
  expect(installed).toContain(path);
});

describe.each(pages)('$path', (page) => {
  it('links to what is installed', () => {
    for (const { target } of linksIn(page)) expect(installed).toContain(target);
  });
});
