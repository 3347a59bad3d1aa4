/**
 * Boots Xen with a dom0 and real zones, and counts its TAP. Two machines at a time, of which each has one busy processor.
 * `--timeline`: writes docs/xen-timeline.json and the picture of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unobtainable } from '../machine/cache.ts';
import { xenImage } from './image.ts';
import { makeInput } from './input.ts';
import { bootXen, type Dom0 } from './machine.ts';
import { timelineOf } from './timeline.ts';
import { timelinePicture } from './timeline-picture.ts';

const whole: Dom0 = { xenstored: 'xenstored', udev: false, plan: 'whole' };
const other: Dom0 = { xenstored: 'oxenstored', udev: true, plan: 'other' };
const nothing: Dom0 = { xenstored: 'xenstored', udev: false, plan: 'nothing' };
/** Of the checks of a boot whose daemon does nothing: those that can fail only because of it. */
const failuresOfNothing = 15;

const directory = mkdtempSync(join(tmpdir(), 'protect-network-xen-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
// By way of `exit`, which also ends the emulator.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 1000);
const write = (text: string) => process.stdout.write(text);

try {
  const { passed, failed } = await run();
  write(`# everything took ${seconds()} s\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof Unobtainable)) throw error;
  write(`nothing was tested: ${error.message}\n0 passed, 0 failed, 1 skipped\n`);
}

interface Count {
  readonly passed: number;
  readonly failed: number;
}

async function run(): Promise<Count> {
  const image = await xenImage((text) => write(`# ${text}\n`));
  write(`# the image is there after ${seconds()} s\n`);
  const input = await makeInput(directory, image.zone);
  const boot = async (dom0: Dom0, heard: (text: string) => void): Promise<string> => {
    heard(`# booting after ${seconds()} s: ${JSON.stringify(dom0)}\n`);
    const { report, console } = await bootXen(image, dom0, input, heard);
    if (isWhole(report)) return report;
    heard(`# the scenario did not come to its end; the console's last lines:\n${console.slice(-4000)}\n`);
    return report;
  };
  // One speaks at a time.
  let later = '';
  const [first, second, third] = await Promise.all([
    boot(whole, write),
    boot(other, (text) => {
      later += text;
    }),
    boot(nothing, () => undefined),
  ]);
  write(later);
  if (process.argv.includes('--timeline')) drawTimeline(first);
  return [countOf(first), countOf(second), judgeNothing(third)].reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
  }));
}

/** A report without its end counts as one failure more. */
function countOf(report: string): Count {
  const count = (words: RegExp) => report.match(words)?.length ?? 0;
  return { passed: count(/^ok /gm), failed: count(/^not ok /gm) + (isWhole(report) ? 0 : 1) };
}

function isWhole(report: string): boolean {
  return /^1\.\.[0-9]+\r?$/m.test(report);
}

/** The negative control: checks that no daemon fails would be worth nothing. */
function judgeNothing(report: string): Count {
  const { passed, failed } = countOf(report);
  const name = `where the daemon does nothing, ${failuresOfNothing} checks fail`;
  if (failed === failuresOfNothing && isWhole(report)) {
    write(`ok - ${name}, of ${passed + failed}\n`);
    return { passed: 1, failed: 0 };
  }
  write(`not ok - ${name}: ${failed} did, of ${passed + failed}\n${report.replaceAll(/^/gm, '# ')}\n`);
  return { passed: 0, failed: 1 };
}

function drawTimeline(report: string): void {
  const timeline = timelineOf(report);
  const file = (ending: string) => join(import.meta.dirname, '../../docs', `xen-timeline.${ending}`);
  writeFileSync(file('json'), `${JSON.stringify(timeline, null, 2)}\n`);
  writeFileSync(file('svg'), timelinePicture(timeline));
}
