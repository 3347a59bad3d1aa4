/** The journal's lines as entries, which of them are about a zone, and how they look. */
import { describe, expect, it, test } from 'vitest';
import { parseEntry } from '../../../src/cli/journal-entry.ts';
import { entryLines } from '../../../src/cli/logs-text.ts';
import { painter } from '../../../src/cli/paint.ts';
import { aboutWord, aboutZone } from '../../../src/cli/zone-words.ts';
import type { ZoneStatus } from '../../../src/control/status.ts';
import { run } from './support.ts';

const journalLine = (change: object) =>
  JSON.stringify({
    __REALTIME_TIMESTAMP: '1790000000123456',
    __CURSOR: 's=1',
    _SYSTEMD_UNIT: 'protect-network.service',
    PRIORITY: '4',
    MESSAGE: 'vif7.0 is gone',
    ...change,
  });

describe('an entry', () => {
  it('is time, unit, priority and message', () => {
    expect(parseEntry(journalLine({}))).toEqual({
      at: 1790000000123,
      cursor: 's=1',
      unit: 'protect-network',
      priority: 4,
      message: 'vif7.0 is gone',
      zones: [],
    });
  });

  it.each([
    ['bytes, where they are no text', { MESSAGE: [...Buffer.from('a\x1b[31mb ü')] }, 'ab ü'],
    ['the first of several', { MESSAGE: ['one', 'two'] }, 'one'],
    ['words where it is too long', { MESSAGE: null }, '(a message too long to show)'],
    ['empty where there is none', { MESSAGE: undefined }, ''],
    ['that of a line of JSON', { MESSAGE: '{"level":50,"time":1,"msg":"no"}' }, 'no'],
    ['JSON that is not ours as it is', { MESSAGE: '{"level":' }, '{"level":'],
  ])('has for its message %s', (_what, change, message) => {
    expect(parseEntry(journalLine(change))?.message).toBe(message);
  });

  it('names the zones of its fields, and of the JSON in it', () => {
    const fields = { PROTECT_NETWORK_LINK: ['vif7.0', 'vif8.0'], PROTECT_NETWORK_ZONE: 'web' };
    expect(parseEntry(journalLine(fields))?.zones).toEqual(['vif7.0', 'vif8.0', 'web']);
    const json = '{"level":50,"time":1,"msg":"no","link":"vif7.0","zone":"web"}';
    expect(parseEntry(journalLine({ MESSAGE: json }))?.zones).toEqual(['vif7.0', 'web']);
    expect(parseEntry(journalLine({ PROTECT_NETWORK_LINK: 7 }))?.zones).toEqual([]);
  });

  it('has the priority of the JSON in it', () => {
    expect(parseEntry(journalLine({ MESSAGE: '{"level":50,"time":1,"msg":"no"}' }))?.priority).toBe(3);
    expect(parseEntry(journalLine({ PRIORITY: '9' }))?.priority).toBe(6);
  });

  it('of systemd about a unit is that unit’s', () => {
    expect(parseEntry(journalLine({ _SYSTEMD_UNIT: 'init.scope', UNIT: 'protect-daemon.service' }))?.unit).toBe(
      'protect-daemon',
    );
  });

  it.each(['', '{}', 'null', '[]', journalLine({ __REALTIME_TIMESTAMP: 'x' }), journalLine({ MESSAGE: 7 })])(
    'is not made of %j',
    (line) => expect(parseEntry(line)).toBeUndefined(),
  );
});

describe('on a terminal', () => {
  const entry = {
    at: Date.parse('2026-03-01T12:00:05.007'),
    cursor: '',
    unit: 'protect-daemon',
    priority: 3,
    zones: [],
  };

  it('stands time, unit, level, message, with what follows indented', () => {
    expect(entryLines({ ...entry, message: 'one\ntwo' }, painter(false))).toEqual([
      '2026-03-01 12:00:05.007 protect-daemon  error   one',
      '  two',
    ]);
  });

  it('nothing in it steers: no escape, no carriage return, no bidirectional override', () => {
    const lines = entryLines({ ...entry, unit: 'a\x1b[2J', message: 'x\x1b]0;y\x07\r\x9b2J\u202ez' }, painter(false));
    expect(lines.join('')).toMatch(/^[^\p{C}]*$/u);
  });

  it('colours go by the level', () => {
    const [line] = entryLines({ ...entry, message: 'one' }, painter(true));
    expect(line).toContain('\x1b[31mone\x1b[0m');
  });
});

const zone = (change: Partial<ZoneStatus>) =>
  ({
    link: 'vif7.0',
    name: 'web.1',
    addresses: ['10.75.0.7', 'fdd4:1476:6c7e::7'],
    origin: 'zone 6f9619ff-8b86-d011-b42d-00cf4fc964ff',
    ...change,
  }) as ZoneStatus;

describe('a line is about a zone', () => {
  const zones = [zone({}), zone({ link: 'vif8.0', name: 'db', addresses: [], origin: null })];
  const about = aboutZone('web.1', zones);

  it.each([
    'vif7.0 is gone: 10.75.0.7 removed',
    '/zones.d/vif7.0.toml: no',
    'it is vif7.0.',
    'from 10.75.0.7:443',
    'to [FDD4:1476:6c7e::7]',
    'zone web.1 started',
    'destroyed 6f9619ff-8b86-d011-b42d-00cf4fc964ff',
  ])('in %j', (message) => expect(about?.({ message, zones: [] })).toBe(true));

  it.each([
    'vif7.01',
    'xvif7.0',
    'vif17.0',
    '10.75.0.70',
    '110.75.0.7',
    '10.75.0.7.1',
    'web.12',
    'my-web.1',
    'web-1',
    'fdd4:1476:6c7e::7:1',
    'vif8.0',
  ])('but not in %j', (message) => expect(about?.({ message, zones: [] })).toBe(false));

  it('by its link as by its name', () => {
    expect(aboutZone('vif7.0', zones)?.({ message: 'zone web.1 started', zones: [] })).toBe(true);
    expect(aboutZone('nobody', zones)).toBeUndefined();
    expect(aboutWord('vif7.0')({ message: 'zone web.1 started', zones: [] })).toBe(false);
    expect(aboutWord('web.1')({ message: 'zone web.1 started', zones: [] })).toBe(true);
  });

  it('by the fields of the entry, whatever its words', () => {
    expect(about?.({ message: 'put back', zones: ['vif7.0'] })).toBe(true);
    expect(about?.({ message: 'put back', zones: ['web.1'] })).toBe(true);
    expect(about?.({ message: 'put back', zones: ['vif8.0', 'db'] })).toBe(false);
    expect(about?.({ message: 'vif8.0 has no network: vif7.0 has 10.75.0.7', zones: ['vif8.0'] })).toBe(true);
    expect(aboutWord('gone')({ message: 'put back', zones: ['vif3.0', 'gone'] })).toBe(true);
  });
});

test.each([
  ['-n', '0'],
  ['--lines', 'all'],
  ['--zone', ''],
])('logs %s %s is a usage error', async (...args) => {
  expect((await run('logs', ...args)).code).toBe(2);
});
