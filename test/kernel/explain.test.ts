/**
 * Hosts that are broken in one known way each: `explain` must name that one, and its verdict must be what happens to a real
 * packet. One world is broken and mended in turn; the daemon has set it up and is gone, so that it repairs nothing.
 */
import { beforeAll, describe, expect, it } from 'vitest';
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
import { links } from './explain-cases/links.ts';
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
    ['translations and iptables', translations],
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
      } finally {
        await each.mend(lab);
        await forget(lab);
      }
    });
  });

  it('left the host as it was', async () => {
    expect(await isAnswered(lab, toOutside)).toBe(true);
    expect(await isAnswered(lab, toSibling6)).toBe(true);
  });
});

/** Nobody knows anybody from an earlier case. */
async function forget({ world, zones }: Lab): Promise<void> {
  await Promise.all([world.host, world.internet, ...zones].map((place) => place.ip('neigh flush all')));
}
