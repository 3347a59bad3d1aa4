/**
 * How long a zone's forged IPv6 gets out after a foreign `nft flush ruleset`: `node bench/flush.ts [--rounds N] [--json]`,
 * as root. Such a flush takes all that nft has, and IPv6 has no other layer; IPv4 has rp_filter, whose count is shown too.
 *
 * A zone sends forgeries without pause. In each round the ruleset is flushed and repaired by the daemon; the time is that
 * from the first forgery seen outside to the last one, and "sent" is what the zone sent in between.
 */
import { parseArgs } from 'node:util';
import { openArena } from '../test/attacks/arena.ts';
import { type Forger, forgedPerRound, startForger } from '../test/attacks/forger.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import type { World } from '../test/lab/world.ts';
import { summarize } from './statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number, 1 or more');

interface Leak {
  readonly milliseconds: number;
  readonly out: number;
  readonly sent: number;
}

const arena = await openArena('ours');
try {
  const forger = await startForger(arena, 300);
  const leaks: Leak[] = [];
  for (let round = 0; round < rounds; round += 1) leaks.push(await flushOnce(arena.parts.world, forger));
  report(leaks, forger.seen('ipv4').length);
} finally {
  arena.destroy();
}

async function flushOnce(world: World, forger: Forger): Promise<Leak> {
  await flows(forger);
  const begin = Number(process.hrtime.bigint() / 1000n);
  await world.host.nft('flush ruleset');
  await waitFor(async () => (await world.cli(['plan'])).stdout.startsWith('nothing to do'), {
    what: 'the repair',
    deadlineMs: 30_000,
    everyMs: 100,
  });
  await flows(forger);
  const leaked = forger
    .seen('ipv6')
    .filter(({ microseconds }) => microseconds > begin)
    .sort((one, other) => one.microseconds - other.microseconds);
  const [first, last] = [leaked[0], leaked.at(-1)];
  if (first === undefined || last === undefined) return { milliseconds: 0, out: 0, sent: 0 };
  return {
    milliseconds: (last.microseconds - first.microseconds) / 1000,
    out: leaked.length,
    sent: (last.round - first.round + 1) * forgedPerRound,
  };
}

async function flows(forger: Forger): Promise<void> {
  const count = forger.seen('honest').length;
  await waitFor(() => forger.seen('honest').length > count + 20, {
    what: 'honest packets',
    deadlineMs: 20_000,
    everyMs: 50,
  });
}

function report(leaks: readonly Leak[], ipv4: number): void {
  const time = summarize(leaks.map(({ milliseconds }) => milliseconds));
  const total = (of: (leak: Leak) => number): number => leaks.reduce((sum, leak) => sum + of(leak), 0);
  const figures = {
    rounds: leaks.length,
    ipv6: { out: total(({ out }) => out), sentMeanwhile: total(({ sent }) => sent) },
    medianMilliseconds: time.median,
    longestMilliseconds: Math.max(...leaks.map(({ milliseconds }) => milliseconds)),
    ipv4Out: ipv4,
  };
  if (values.json === true) console.log(JSON.stringify(figures, null, 2));
  else {
    console.log(
      `IPv6: ${figures.ipv6.out} forgeries out, of ${figures.ipv6.sentMeanwhile} sent meanwhile, in ${leaks.length} flushes`,
    );
    console.log(`for ${time.median} ms in the median, ${figures.longestMilliseconds} ms at most; IPv4: ${ipv4} out`);
  }
}
