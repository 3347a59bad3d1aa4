/** What can be told of policies from files alone: what in their directory is not read, and what is about no zone there is. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../config/read-file.ts';
import { headline } from '../config/toml-decode.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import type { PolicedZone, Policy } from '../policy/model.ts';
import { isPolicyFileName } from '../policy/policy-directory.ts';
import { policiesOf } from '../policy/select.ts';
import type { StaticZones } from './static-zones.ts';

/** One sentence each. Zones are only known where no directory but the static one is asked. */
export function policyNotes({ settings, policies }: DaemonConfig, { entries }: StaticZones): string[] {
  const isKnown = settings.zones.directories.every((name) => name === 'static');
  return [...unreadFiles(settings.policy.dir), ...(isKnown ? aboutNoZone(policies, entries) : [])];
}

/** Policies that are about none of `zones`, and rules that lead to a zone that is none of them, each with its place. */
export function aboutNoZone(policies: readonly Policy[], zones: readonly PolicedZone[]): string[] {
  const used = new Set(zones.flatMap((zone) => policiesOf(policies, zone)));
  const names = new Set(zones.map(({ name }) => name));
  return policies.flatMap((policy) => {
    const { file, line, column } = policy.place;
    const unused = used.has(policy) ? [] : [headline(file, { line, column, sentence: 'this policy is about no zone' })];
    const lost = (policy.egress?.allow ?? []).flatMap((rule) => {
      if (rule.kind === 'icmp' || rule.target.kind !== 'zone' || names.has(rule.target.name)) return [];
      const sentence = `"${rule.text}" opens nothing: there is no zone "${rule.target.name}"`;
      return [headline(rule.place.file, { ...rule.place, sentence })];
    });
    return [...unused, ...lost];
  });
}

/** Somebody may have meant it to be a policy. */
function unreadFiles(directory: string): string[] {
  try {
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const unread = files.map(({ name }) => name).filter((name) => !isPolicyFileName(name) && !/^\.|~$/.test(name));
    return unread.sort().map((name) => `${join(directory, name)} is not read: its name does not end in .toml`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
