/** A host that lacks everything can still be looked at. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diagnose } from '../../../src/doctor/diagnose.ts';
import { observe } from '../../../src/doctor/observe-host.ts';
import { createSurvey } from '../../../src/host/index.ts';
import type { Outlook } from '../../../src/host/outlook.ts';
import type { Survey } from '../../../src/host/survey-port.ts';
import { procSysctl } from '../../../src/host/sysctl.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { place } from '../cli/support.ts';

test('without any tool, each is named and nothing is believed to be in order that was not seen', async () => {
  const here = place();
  const eyes = {
    survey: surveyOf(here.directory),
    sysctl: procSysctl,
    outlook: blind,
    host: undefined,
    askDaemon: async () => ({ kind: 'absent' as const, why: 'not started' }),
    askDirectories: () => Promise.reject(new Error('nobody should be asked')),
  };
  const findings = diagnose(await observe(eyes, { config: here.config, settings: here.settings }));
  const told = findings.filter(({ check }) => check === 'tools').map(({ level, what }) => `${level} ${what}`);
  expect(told).toEqual([
    'bad nft is not installed',
    'bad ip is not installed',
    'ok iptables is not installed, and not needed',
  ]);
  const seen = new Set(findings.map(({ check }) => check));
  for (const unseen of ['zones', 'directories', 'forward-chains', 'foreign-firewalls', 'marks', 'subnets', 'uplinks']) {
    expect(seen).not.toContain(unseen);
  }
});

test('broken settings leave what does not depend on them to be seen', async () => {
  const here = place({ settings: 'nonsense' });
  const eyes = {
    survey: surveyOf(here.directory),
    sysctl: procSysctl,
    outlook: blind,
    host: undefined,
    askDaemon: () => Promise.reject(new Error('nobody knows where')),
    askDirectories: () => Promise.reject(new Error('nobody should be asked')),
  };
  const findings = diagnose(await observe(eyes, { config: here.config, settings: here.settings }));
  const bad = findings.filter(({ level }) => level === 'bad').map(({ check }) => check);
  expect(bad).toEqual(['tools', 'tools', 'configuration']);
});

test('a wrong policy is named, and the settings are believed all the same', async () => {
  const here = place();
  mkdirSync(here.policies, { mode: 0o755 });
  writeFileSync(join(here.policies, 'a.toml'), '[[policy]]\nzones = ["web"]\n', { mode: 0o644 });
  const eyes = {
    survey: surveyOf(here.directory),
    sysctl: procSysctl,
    outlook: blind,
    host: undefined,
    askDaemon: async () => ({ kind: 'absent' as const, why: 'not started' }),
    askDirectories: () => Promise.reject(new Error('nobody should be asked')),
  };
  const snapshot = await observe(eyes, { config: here.config, settings: here.settings });
  expect(snapshot.config?.settings.policy.dir).toBe(here.policies);
  const found = diagnose(snapshot).filter(({ check }) => check === 'configuration');
  expect(found.map(({ level, what }) => `${level} ${what.split('\n', 1)[0]}`)).toEqual([
    `bad ${here.policies}/a.toml:1:1: policy[0] has no rules; expected [policy.egress], [policy.limits] or [[policy.publish]]`,
  ]);
});

/** Netlink can be spoken without any tool; what it would show is this machine's. */
const blind: Outlook = {
  links: () => Promise.reject(new ProtectNetworkError('refused', 'not seen')),
  waysOut: () => ({ devices: [], gateways: [] }),
  addresses: () => [],
  early: () => ({ rules: [], routes: [] }),
  decide: () => ({ ok: false, refused: 'not seen' }),
  close: async () => undefined,
};

/** What this machine's own kernel says is another question. */
function surveyOf(toolDirectory: string): Survey {
  return Object.assign(createSurvey({ toolDirectories: [toolDirectory] }), {
    links: () => Promise.reject(new Error('nobody should see this machine')),
    routes: () => Promise.reject(new Error('nor its routes')),
    neighbours: () => undefined,
    connections: () => undefined,
  });
}
