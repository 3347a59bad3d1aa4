/**
 * Hosts that are broken in one known way each: `explain` must name that one, and its verdict must be what happens to a real
 * packet. One world is broken and mended in turn; the daemon has set it up and is gone, so that it repairs nothing.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/explain/walk.ts';
import { startEchoServer } from '../lab/echo.ts';
import {
  type Case,
  fromOutside,
  healthy,
  isAnswered,
  type Lab,
  toGateway,
  toGateway6,
  toOutside,
  toOutside6,
  toSibling,
  toSibling6,
  udpOutside,
} from '../lab/explain-case.ts';
import { Explainer } from '../lab/explainer.ts';
import { openScene } from '../lab/served.ts';
import { intercepts } from './explain-cases/intercepts.ts';
import { links } from './explain-cases/links.ts';
import { neighbours } from './explain-cases/neighbours.ts';
import { routes } from './explain-cases/routes.ts';
import { rules } from './explain-cases/rules.ts';
import { translations } from './explain-cases/translations.ts';

const healthyHosts = [
  healthy('outside', toOutside),
  healthy('outside over IPv6', toOutside6),
  healthy('a sibling', toSibling),
  healthy('a sibling over IPv6', toSibling6),
  healthy('the gateway', toGateway),
  healthy('dom0’s own address', { subject: '10.75.1.7', to: '192.0.2.1' }),
  healthy('UDP', udpOutside),
  healthy('from the outside', fromOutside),
  healthy('from a sibling, whose packets come by its link', { subject: 'vif7.0', from: '10.75.1.8' }),
  healthy('from a sibling over IPv6', { subject: 'vif7.0', from: 'fdd4:1476:6c7e::108' }),
  healthy('from dom0 itself', { subject: 'vif7.0', from: '192.0.2.1' }),
  healthy('to a sibling by its link', { subject: 'vif7.0', to: 'vif8.0', ipv4: true }),
];
const ipv6Gateway: Case = { ...healthy('the IPv6 gateway, which answers no ping', toGateway6), beyond: true };

describe('explain', () => {
  let lab: Lab;
  let explainer: Explainer;
  beforeAll(async () => {
    const { world, daemon, zones } = await openScene();
    await startEchoServer(world.internet);
    // A way to the zones for those who come from outside; the far host answers dom0's address only.
    await world.internet.ip(
      'rule add from 192.0.2.2 lookup 75 pref 75',
      'route add 10.75.0.0/16 via 192.0.2.1 table 75',
    );
    const strangers = new Map(
      await Promise.all([9, 10, 11].map(async (domid) => [domid, await world.addZone({ domid })] as const)),
    );
    await world.files.writeZone('vif10.0', { ipv4: '10.99.0.5' });
    await daemon.stop();
    lab = { world, zones, strangers };
    explainer = new Explainer(world);
    return () => {
      explainer.stop();
      world.destroy();
    };
  });

  describe.each([
    ['healthy hosts', [...healthyHosts, ipv6Gateway]],
    ['directories, links and gateways', links],
    ['routes and switches', routes],
    ['rules', rules],
    ['ARP and neighbour discovery', neighbours],
    ['translations and iptables', translations],
    ['tc and XDP', intercepts],
  ])('%s', (_group, cases) => {
    it.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
      await each.breakIt(lab);
      try {
        const answered = await isAnswered(lab, each.ask);
        const [report] = await explainer.ask(each.ask);
        const named = [
          report?.because,
          report?.decisive?.text,
          report?.decisive?.rule?.where,
          report?.decisive?.rule?.text,
        ].join(': ');
        expect({ verdict: report?.verdict, named }, JSON.stringify(report, null, 1)).toEqual({
          verdict: each.verdict,
          named: expect.stringMatching(each.names),
        });
        if (each.verdict !== 'undecided' && each.beyond !== true)
          expect(answered, 'a real packet').toBe(each.verdict === 'passes');
        if (each.isUnfixable !== undefined) {
          expect(report?.decisive).not.toHaveProperty('fix');
          expect(report?.decisive?.details?.join('\n')).toMatch(each.isUnfixable);
        }
        if (each.isFixed !== undefined) await typeFixes(lab, explainer, each, report);
      } finally {
        await each.mend(lab);
        await forget(lab);
      }
    });
  });

  it('left the host as it was', async () => {
    expect(await isAnswered(lab, toOutside)).toBe(true);
    expect(await isAnswered(lab, toSibling6)).toBe(true);
    expect(await isAnswered(lab, fromOutside)).toBe(true);
  });
});

/** What one command lets past may end at the next rule: a few rounds. */
async function typeFixes(lab: Lab, explainer: Explainer, { ask, isFixed }: Case, first: Report | undefined) {
  let report = first;
  for (let round = 0; round < 3 && report?.verdict === 'blocked'; round += 1) {
    const commands = (report.cause ?? report.decisive)?.fix ?? [];
    expect(commands, JSON.stringify(report.decisive)).not.toEqual([]);
    for (const command of commands) await lab.world.host.mustExec('sh', ['-c', command]);
    [report] = await explainer.ask(ask);
  }
  // A neighbour that was asked for in vain is asked again by one of the next packets.
  await expect.poll(() => isAnswered(lab, ask), { timeout: 10_000 }).toBe(true);
  const [after] = await explainer.ask(ask);
  expect(after?.verdict).toBe('passes');
  if (isFixed?.stillClosed !== undefined) expect(await isAnswered(lab, isFixed.stillClosed)).toBe(false);
}

/** Nobody knows anybody from an earlier case. */
async function forget({ world, zones }: Lab): Promise<void> {
  await Promise.all([world.host, world.internet, ...zones].map((place) => place.ip('neigh flush all')));
}
