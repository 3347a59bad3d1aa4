/** What the service manager hears. That a real one understands it is shown by `npm run test:systemd`. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Service } from '../../../src/cli/service.ts';
import { findServiceManager } from '../../../src/host/systemd.ts';
import { ZoneRecords } from '../../../src/lifecycle/zone-record.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the watchdog', () => {
  it('hears of a loop that comes by, at least twice in each period', async () => {
    const { service, heard } = makeService(60_000);
    void service.keepAlive();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(heard.filter((line) => line.startsWith('WATCHDOG=1')).length).toBeGreaterThanOrEqual(4);
    service.stopping();
  });

  it('hears nothing of a loop that hangs', async () => {
    const { service, heard } = makeService(60_000, () => new Promise(() => undefined));
    void service.keepAlive();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(heard).toEqual([]);
  });

  it('hears nothing after the end', async () => {
    const { service, heard } = makeService(60_000);
    const alive = service.keepAlive();
    await vi.advanceTimersByTimeAsync(1_000);
    service.stopping();
    await alive;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(heard.at(-1)).toBe('STOPPING=1 STATUS=stopping; routes and rules stay as they are');
  });
});

describe('the sentence', () => {
  it('says how many zones are in which state, soon after that changes', async () => {
    const { service, heard, records } = makeService(600_000);
    void service.keepAlive();
    await vi.advanceTimersByTimeAsync(0);
    records.see(7, 'vif7.0');
    records.turn(7, 'ready');
    records.see(8, 'vif8.0');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heard).toEqual(['WATCHDOG=1 STATUS=zones: none', 'WATCHDOG=1 STATUS=zones: 1 ready, 1 opening']);
    service.stopping();
  });

  it('says on one line why a new configuration is not in force', () => {
    const { service, heard } = makeService(undefined);
    service.say('configuration refused: daemon.toml:1:2: no\n  subnet');
    service.ready();
    expect(heard).toEqual(['READY=1 STATUS=zones: none; configuration refused: daemon.toml:1:2: no subnet']);
  });
});

describe('a reload', () => {
  it('makes nobody ready who was not', () => {
    const { service, heard } = makeService(undefined);
    service.reloading();
    service.reloaded();
    expect(heard).toEqual([]);
    service.ready();
    service.reloading();
    service.reloaded();
    expect(heard.map((line) => line.split(' ')[0])).toEqual(['READY=1', 'RELOADING=1', 'READY=1']);
  });
});

describe("the service manager's variables", () => {
  const socket = { NOTIFY_SOCKET: '@nowhere' };
  it.each([
    [{}, undefined],
    [socket, undefined],
    [{ ...socket, WATCHDOG_USEC: '120000000' }, 120_000],
    [{ ...socket, WATCHDOG_USEC: '120000000', WATCHDOG_PID: String(process.pid) }, 120_000],
    [{ ...socket, WATCHDOG_USEC: '120000000', WATCHDOG_PID: '1' }, undefined],
    [{ ...socket, WATCHDOG_USEC: 'soon' }, undefined],
    [{ WATCHDOG_USEC: '120000000' }, undefined],
    [{ NOTIFY_SOCKET: '', WATCHDOG_USEC: '120000000' }, undefined],
  ])('%j: a watchdog of %s ms', (variables, expected) => {
    expect(findServiceManager(variables).watchdogMs).toBe(expected);
  });
});

function makeService(watchdogMs: number | undefined, turn: () => Promise<void> = async () => undefined) {
  const heard: string[] = [];
  const records = new ZoneRecords();
  const tell = (...assignments: string[]) => void heard.push(assignments.join(' '));
  const log = { warn: (_fields: object, text: string) => void heard.push(text) };
  return { service: new Service({ isThere: true, watchdogMs, tell }, { records, turn }, log), heard, records };
}
