/** The answer to one request: observe, compute, observe what came up on the way, until nothing is missing. */
import { ProtectNetworkError } from '../model/errors.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { Facts } from './facts.ts';
import type { Request } from './request.ts';
import { answer, type Eyes, observe } from './take-snapshot.ts';
import { type Report, walk } from './walk.ts';

/** Each round answers what the last one asked: a routing decision, the sysctls of the link that it names. Six is usual. */
const maxRounds = 20;

export interface Explanation {
  readonly reports: readonly Report[];
  /** What they were computed with. */
  readonly facts: Facts;
}

/** One report for each address family of the zone that the request leaves open. Changes nothing on the host. */
export function explain(eyes: Eyes, request: Request, config: DaemonConfig): Promise<Explanation> {
  return explainEach(eyes, [request], config);
}

/** The same of several, one after the other: the host is looked at once for all of them. */
export async function explainEach(
  eyes: Eyes,
  requests: readonly Request[],
  config: DaemonConfig,
): Promise<Explanation> {
  let facts = new Facts(await observe(eyes, config));
  const reports: Report[] = [];
  for (const request of requests) {
    const explained = await settle(eyes, request, facts);
    reports.push(...explained.reports);
    facts = explained.facts;
  }
  return { reports, facts };
}

async function settle(eyes: Eyes, request: Request, known: Facts): Promise<Explanation> {
  let facts = known;
  for (let round = 0; round < maxRounds; round += 1) {
    const reports = walk(request, facts);
    if (facts.missing.length === 0) return { reports, facts };
    facts = new Facts(await answer(eyes, facts.snapshot, facts.missing), facts);
  }
  throw new ProtectNetworkError('unexpected', `the host raised new questions ${maxRounds} times over`);
}
