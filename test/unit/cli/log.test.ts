/** The log on its way to a journal, at a real socket of the real kind. That a real journald takes it: `npm run test:systemd`. */
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeLog } from '../../../src/cli/log.ts';
import { type Entry, type Program, TestJournal } from '../../journal/journal.ts';
import { waitFor } from '../../lab/wait-for.ts';

const patience = { deadlineMs: 30_000 };
let journal: TestJournal;
let program: Program | undefined;

describe('a journal', { timeout: 90_000 }, () => {
  beforeEach(() => {
    journal = new TestJournal();
  });
  afterEach(async () => {
    journal.goOn();
    await program?.end();
    await journal.end();
  });

  it('gets fields to filter on, several values of one where there are several', async () => {
    program = await journal.start();
    const fields = {
      event: 'zone-ready',
      link: 'vif7.0',
      zone: 'web',
      addresses: ['10.75.0.3', 'fdd4::3'],
      ifindex: 7,
    };
    await program.log({ level: 'warn', fields, message: 'vif7.0 is ready' });
    const [entry] = await entries(1);
    expect(entry).toEqual({
      MESSAGE: ['vif7.0 is ready'],
      PRIORITY: ['4'],
      SYSLOG_IDENTIFIER: ['protect-network'],
      PROTECT_NETWORK_EVENT: ['zone-ready'],
      PROTECT_NETWORK_LINK: ['vif7.0'],
      PROTECT_NETWORK_ZONE: ['web'],
      PROTECT_NETWORK_ADDRESS: ['10.75.0.3', 'fdd4::3'],
      PROTECT_NETWORK_IFINDEX: ['7'],
    });
    expect(program.stdout).toEqual([]);
  });

  it('is told of no other field by what a zone is called', async () => {
    program = await journal.start();
    const zone = 'web\nPRIORITY=0\nMESSAGE=owned';
    await program.log({ level: 'info', fields: { zone }, message: 'one\nPRIORITY=1' });
    expect(await entries(1)).toEqual([
      {
        MESSAGE: ['one\nPRIORITY=1'],
        PRIORITY: ['6'],
        SYSLOG_IDENTIFIER: ['protect-network'],
        PROTECT_NETWORK_ZONE: [zone],
      },
    ]);
  });

  it('gets a line however long, cut short', async () => {
    program = await journal.start();
    const links = Array.from({ length: 9_000 }, (_, number) => `vif${number}.0-${'x'.repeat(20)}`);
    await program.log({ level: 'info', fields: { links, reason: 'ä'.repeat(5_000) }, message: 'ö'.repeat(500_000) });
    const [entry] = await entries(1);
    expect(entry?.['MESSAGE']?.[0]).toMatch(/^ö{24576}$/);
    expect(entry?.['PROTECT_NETWORK_REASON'] ?? []).toEqual([]);
    expect(entry?.['PROTECT_NETWORK_LINK']?.length).toBeGreaterThan(1000);
  });

  it('that hangs holds nobody up; what it takes later is in order, and the rest is counted', async () => {
    program = await journal.start();
    journal.hang();
    const sent = 6_000;
    await program.log({ level: 'info', fields: {}, message: 'line', times: sent });
    await program.log({ level: 'info', fields: {}, message: 'the program goes on' });
    journal.goOn();
    await waitFor(() => texts().some((text) => text.startsWith('dropped ')) || undefined, {
      what: 'the count',
      ...patience,
    });
    const lines = texts().filter((text) => text.startsWith('line '));
    expect(lines.length).toBeGreaterThan(1_000);
    expect(lines).toEqual(lines.map((_, place) => `line ${place + 1}`));
    const lost = texts().find((text) => text.startsWith('dropped '));
    // The line after them was not taken either.
    expect(lost).toMatch(new RegExp(`^dropped ${sent + 1 - lines.length} log lines?: `));
    await program.log({ level: 'info', fields: {}, message: 'as before' });
    await waitFor(() => texts().includes('as before') || undefined, { what: 'the next line', ...patience });
  });

  it('whose socket goes away leaves its lines to standard output', async () => {
    program = await journal.start();
    await program.log({ level: 'info', fields: {}, message: 'zero' });
    await entries(1);
    await journal.end();
    const { stdout } = program;
    await program.log({ level: 'warn', fields: { zone: 'web' }, message: 'one\ntwo' });
    await program.log({ level: 'info', fields: {}, message: 'three' });
    await waitFor(() => stdout.length >= 3 || undefined, { what: 'the lines', ...patience });
    expect(stdout).toEqual(['<4>one', '<4>two', '<6>three']);
  });

  it('is not written to where standard output goes elsewhere', async () => {
    program = await journal.start(false);
    const { stdout } = program;
    await program.log({ level: 'error', fields: {}, message: 'one' });
    await waitFor(() => stdout.length > 0 || undefined, { what: 'the line', ...patience });
    expect(stdout).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d error: one$/)]);
    expect(journal.entries).toEqual([]);
  });
});

describe('standard output', () => {
  it.each([
    ['info', '2026-03-01 12:00:05 one\n    two\n'],
    ['warn', '2026-03-01 12:00:05 warning: one\n    two\n'],
    ['error', '2026-03-01 12:00:05 error: one\n    two\n'],
  ] as const)('has time and weight, in a file as well (%s)', (level, text) => {
    const taken: string[] = [];
    const out = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        taken.push(chunk.toString());
        callback();
      },
    });
    vi.useFakeTimers({ now: new Date(2026, 2, 1, 12, 0, 5), toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    makeLog({ logFormat: 'text', debug: false }, undefined, out)[level]('one\ntwo');
    expect(taken.join('')).toBe(text);
  });

  it.each(['text', 'json'] as const)(
    'that nobody reads (%s) costs lines, which are counted, and no memory',
    (logFormat) => {
      const taken: string[] = [];
      let release: (() => void) | undefined;
      const out = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _encoding, callback) {
          taken.push(chunk.toString());
          if (taken.length > 1) callback();
          else release = callback;
        },
      });
      const log = makeLog({ logFormat, debug: false }, undefined, out);
      const line = 'x'.repeat(1000);
      for (let turn = 0; turn < 3000; turn++) log.info(line);
      expect(out.writableLength).toBeLessThan(1_200_000);
      release?.();
      return waitFor(() => out.writableLength === 0 || undefined, { what: 'the output', ...patience }).then(() => {
        const before = taken.length;
        log.info('after');
        const lost = 3000 - before;
        expect(taken.slice(before).join('')).toMatch(new RegExp(`dropped ${lost} log lines?: [^]*after`));
      });
    },
  );
});

function texts(): string[] {
  return journal.entries.map((entry) => entry['MESSAGE']?.[0] ?? '');
}

function entries(count: number): Promise<readonly Entry[]> {
  return waitFor(() => (journal.entries.length >= count ? journal.entries : undefined), {
    what: 'entries',
    ...patience,
  });
}
