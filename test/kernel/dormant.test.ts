/**
 * Tables with the flag `dormant`, of which the kernel evaluates nothing. nft 1.0.6 prints freed memory for a table's flags
 * in JSON, so that what it says of one cannot be read now and then.
 */
import { describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { addServedZone, isCutOff, openScene, reaches, untilNothingToDo, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';

const patience = { deadlineMs: 30_000 };
/** Whether nft's answer can be read depends on what its memory held: of these some cannot, on every nft 1.0.6 we met. */
const shapes = Array.from({ length: 12 }, (_, size) => ({
  name: `theirs${size}`,
  sets: Array.from({ length: size % 4 }, (_each, place) => `set s${'x'.repeat(7 * place + size)} { type ipv4_addr; }`),
  rules: Array.from(
    { length: size % 5 },
    (_each, place) => `ip saddr 10.99.${place}.0/24 counter comment "${'c'.repeat(9 * place)}"`,
  ),
}));

describe('a dormant table of others', { timeout: 180_000 }, () => {
  it('keeps nobody from starting, is not blamed, and is once it wakes', () =>
    withScene({ beforeDaemon: ({ host }) => putToSleep(host) }, async ({ world, daemon, zones: [one] }) => {
      expect(await unreadable(world)).toBeGreaterThan(0);
      expect(await reaches(one, farHost.ipv4)).toBe(true);
      expect((await daemon.status()).warnings).toEqual([]);
      const doctor = await world.cli(['doctor', '--json']);
      expect(doctor.stdout).not.toContain('cannot be read');
      await world.host.nft('add table ip theirs3');
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
      const blamed = async () => (await daemon.status()).warnings.some((each) => each.includes('table ip theirs3'));
      await waitFor(async () => (await blamed()) || undefined, { what: 'the table to be blamed', ...patience });
      await world.host.nft('add table ip theirs3 { flags dormant; }');
      expect(await reaches(one, farHost.ipv4)).toBe(true);
      await waitFor(async () => !(await blamed()) || undefined, { what: 'the table to be forgiven', ...patience });
    }));
});

describe('a shared table that somebody put to sleep', { timeout: 180_000 }, () => {
  it('is named, with what to type, and zones are served meanwhile', () =>
    withScene({}, async ({ world, daemon }) => {
      await world.host.nft('add table ip filter { flags dormant; }');
      const warned = async () =>
        (await daemon.status()).warnings.find((each) => each.startsWith('table ip filter is dormant'));
      expect(await waitFor(warned, { what: 'the warning', ...patience })).toContain('nft add table ip filter');
      const zone = await addServedZone(world, daemon, { domid: 9 });
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
      await world.host.nft('add table ip filter');
      await waitFor(async () => (await warned()) === undefined || undefined, { what: 'the end of it', ...patience });
      await untilNothingToDo(world);
    }));
});

describe('our own table, put to sleep', { timeout: 180_000 }, () => {
  it.each(['inet edera', 'ip6 edera-reverse-path'])('%s is woken', async (table) => {
    const { world, daemon } = await openScene();
    try {
      await world.host.nft(`add table ${table} { flags dormant; }`);
      await daemon.waitForLog(
        ({ event, msg }) => event === 'repair' && String(msg).includes(`the table ${table}`),
        patience,
      );
      expect(await world.host.mustExec('nft', ['-s', 'list', 'table', ...table.split(' ')])).not.toContain('dormant');
      await untilNothingToDo(world);
    } finally {
      world.destroy();
    }
  });
});

async function putToSleep(host: World['host']): Promise<void> {
  for (const { name, sets, rules } of shapes) {
    const chain = `chain FORWARD { type filter hook forward priority 0; policy drop; ${rules.join('; ')}; }`;
    await host.nft(`table ip ${name} { flags dormant; ${[...sets, chain].join('; ')}; }`);
  }
}

/** Of the dormant tables, how many nft says nonsense of. */
async function unreadable({ host }: World): Promise<number> {
  const answers = await Promise.all(shapes.map(({ name }) => host.exec('nft', ['-j', 'list', 'table', 'ip', name])));
  return answers.filter(({ stdout }) => !isJson(stdout) || !stdout.includes('"flags": ["dormant"]')).length;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
