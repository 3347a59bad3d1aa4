/** Answers requests of `explain`, a JSON line each, in the network namespace where it was started: one start instead of one per question. */
import { createInterface } from 'node:readline';
import { explain } from '../../src/explain/explain.ts';
import { parseRequest } from '../../src/explain/request.ts';
import { createInspection } from '../../src/host/index.ts';
import { procSysctl } from '../../src/host/sysctl.ts';
import { messageOf } from '../../src/model/errors.ts';
import { loadDaemonConfig } from '../../src/policy/daemon-config.ts';
import type { Ask } from './explainer.ts';

const [config = '', settings = ''] = process.argv.slice(2);
const eyes = { inspection: createInspection(), sysctl: procSysctl };

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = parseRequest(JSON.parse(line) as Ask);
    process.stdout.write(
      `${JSON.stringify((await explain(eyes, request, await loadDaemonConfig({ config, settings }))).reports)}\n`,
    );
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`);
  }
}
