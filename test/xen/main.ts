/**
 * Boots Xen with a dom0 and real zones, and counts its TAP. All machines at once: each has one processor, and waits for a
 * third of its time. They take two gigabytes of memory each.
 * `--timeline`: writes docs/xen-timeline.json and the picture of it. `life`, `traffic` or `other`: that boot alone. `trixie`:
 * on Debian 13 and its Xen 4.20 instead of Debian 12.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unobtainable } from '../machine/cache.ts';
import { type Suite, suites, type XenImage, xenImage } from './image.ts';
import { makeInput } from './input.ts';
import { bootXen, type Dom0 } from './machine.ts';
import { isWhole, judge, type Verdict } from './report.ts';
import { hasTimeline, timelineOf } from './timeline.ts';
import { timelinePicture } from './timeline-picture.ts';

const boots: readonly Dom0[] = [
  { xenstored: 'xenstored', udev: false, plan: 'life' },
  { xenstored: 'xenstored', udev: false, plan: 'traffic' },
  { xenstored: 'oxenstored', udev: true, plan: 'other' },
];
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isSuite = (word: string): word is Suite => word in suites;
const named = words.filter((word) => !isSuite(word));
const suite = words.find(isSuite) ?? 'bookworm';
const directory = mkdtempSync(join(tmpdir(), 'protect-network-xen-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
// By way of `exit`, which also ends the emulator.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 1000);
const write = (text: string) => process.stdout.write(text);

try {
  const verdicts = await run();
  const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
  const failures = verdicts.flatMap((verdict) => verdict.failures);
  write(`# everything took ${seconds()} s\n${failures.map((name) => `FAILED: ${name}\n`).join('')}`);
  write(`${passed} passed, ${failures.length} failed\n`);
  process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof Unobtainable)) throw error;
  write(`nothing was tested: ${error.message}\n0 passed, 0 failed, 1 skipped\n`);
}

async function run(): Promise<Verdict[]> {
  const image = await xenImage(suite, (text) => write(`# ${text}\n`));
  write(`# the image is there after ${seconds()} s\n`);
  const input = await makeInput(directory, image.zone);
  const chosen = boots.filter(({ plan }) => named.length === 0 || named.includes(plan));
  const verdicts = chosen.map(async (dom0, place) => {
    // One speaks at a time: the first as it goes, the others when they are over.
    let kept = '';
    const report = await boot(image, dom0, input, place === 0 ? write : (text) => (kept += text));
    write(kept);
    if (process.argv.includes('--timeline') && hasTimeline(report)) drawTimeline(report);
    return judge(report);
  });
  return await Promise.all(verdicts);
}

/** Returns what the scenario wrote. */
async function boot(image: XenImage, dom0: Dom0, input: string, heard: (text: string) => void): Promise<string> {
  heard(`# booting after ${seconds()} s: ${JSON.stringify(dom0)}\n`);
  const { report, console } = await bootXen(image, dom0, input, heard);
  if (!isWhole(report)) heard(`# the scenario did not come to its end; the console's last:\n${console.slice(-4000)}\n`);
  return report;
}

function drawTimeline(report: string): void {
  const timeline = timelineOf(report);
  const file = (ending: string) => join(import.meta.dirname, '../../docs', `xen-timeline.${ending}`);
  writeFileSync(file('json'), `${JSON.stringify(timeline, null, 2)}\n`);
  writeFileSync(file('svg'), timelinePicture(timeline));
}
