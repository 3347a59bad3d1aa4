/** What `zone show` prints, whole, at three widths. */
import { expect, it } from 'vitest';
import { painter } from '../../../src/cli/paint.ts';
import type { ZonePage } from '../../../src/cli/zone-page.ts';
import { zonePageJson, zonePageLines } from '../../../src/cli/zone-page-text.ts';
import { defaultSettings } from '../../../src/config/settings-schema.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { address, noon, zoneOf } from '../control/support.ts';

const zone = { link: 'vif7.0' as LinkName, name: 'web', addresses: ['10.75.0.3', 'fdd4:1476:6c7e::3'].map(address) };
const place = { file: '/etc/edera/policy.d/web.toml', line: 4, column: 10 };
const config = {
  policies: [
    {
      place,
      selector: { zones: ['web'], links: [], addresses: [] },
      egress: {
        mode: 'enforce',
        allow: [{ kind: 'icmp', text: 'icmp', place }],
        deny: [],
      },
      publish: [],
      limits: undefined,
    },
  ],
  settings: defaultSettings,
  subnets: { ipv4: undefined, ipv6: undefined },
} as unknown as ZonePage['config'];
const failed = { ok: false, why: 'nft: Operation not permitted' } as const;

const whole: ZonePage = {
  zone,
  config,
  names: new Set(['web']),
  status: {
    ok: true,
    value: zoneOf({
      state: 'failed',
      reason: 'the link went down \x1b[2J',
      fix: 'ip link set vif7.0 up',
      policy: 'enforced',
    }),
  },
  explained: {
    ok: true,
    value: {
      facts: {
        link: 'vif7.0',
        addresses: zone.addresses,
        claimed: [],
        name: 'web',
        directory: 'static',
        origin: '/zones.d/vif7.0.toml',
        refused: null,
      },
      rules: ['ip filter EDERA-FORWARD handle 7: oifname "vif7.0" counter accept'],
      reports: [
        {
          link: 'vif7.0',
          packet: 'an echo request from 10.75.0.3 to 192.0.2.254',
          verdict: 'blocked',
          because: 'forward: a rule drops it',
          cause: null,
          decisive: { fix: ['nft insert rule inet fw forward iifname vif7.0 accept', 'or\nin two lines'] },
        } as never,
      ],
    },
  },
  traffic: {
    ok: true,
    value: {
      sent: { packets: 1234, bytes: 567_890 },
      received: { packets: 1, bytes: 840 },
      perSecond: { sent: 1200, received: 0 },
      milliseconds: 80,
    },
  },
  drops: {
    ok: true,
    value: [
      {
        kind: 'source',
        link: 'vif7.0',
        zone,
        counter: { packets: 12_345, bytes: 1 },
        last: { at: noon - 65_000, source: '10.75.0.99', destination: '203.0.113.7' },
      },
    ],
  },
  leases: [
    {
      link: 'vif7.0',
      name: 'api.example.com',
      address: address('203.0.113.7'),
      transport: 'tcp',
      port: 443,
      seconds: 90,
    },
  ],
  connections: {
    ok: true,
    value: {
      count: 12,
      kept: { tracks: true, counts: false, times: true, events: 'all' },
      flows: [
        {
          id: 1,
          zone,
          direction: 'out',
          peer: { address: address('203.0.113.7'), port: 443, zone: undefined, isHost: false, name: 'api.example.com' },
          protocol: 'tcp',
          port: 443,
          answeredBy: undefined,
          state: 'established',
          sent: undefined,
          received: undefined,
          beganAt: noon - 5000,
          endedAt: undefined,
          verdict: { kind: 'none', rule: undefined, place: undefined },
        },
      ],
    },
  },
  routing: {
    ok: true,
    value: {
      routes: zone.addresses.map((dst) => ({
        family: 'ipv4',
        type: 'unicast',
        dst,
        table: 'main',
        protocol: '75',
        dev: 'vif7.0',
      })),
      policyRules: [],
    },
  },
  neighbours: { ok: true, value: [{ dst: address('10.75.0.3'), dev: 'vif7.0', state: ['REACHABLE'] }] },
  log: { ok: true, value: [] },
};

/** Without local times: they depend on where the test runs. */
function shown(page: ZonePage, width: number): string {
  const lines = zonePageLines(page, { now: noon, width, paint: painter(false) });
  return lines.join('\n').replace(/since \d[\d-]+\s+\d\d:\d\d:\d\d/, 'since TIME');
}

it('with 200 columns', () => {
  expect(shown(whole, 200)).toMatchInlineSnapshot(`
    "web (vif7.0): failed for 2h, since TIME: the link went down �[2J
      fix: ip link set vif7.0 up
    Addresses    10.75.0.3, fdd4:1476:6c7e::3; as static says (/zones.d/vif7.0.toml)
    Traffic      568 kB (1234 packets, 1.2 kB/s) sent, 840 B (1 packet, 0 B/s) received
    Dropped      source 12k packets; last 10.75.0.99 to 203.0.113.7, 1m 5s ago
    Policy       enforced
      allow:
        icmp  /etc/edera/policy.d/web.toml:4
      All else is denied.
      open by names now:
        api.example.com  203.0.113.7:443  1m 30s left
    Routes       10.75.0.3 (protocol 75)
                 fdd4:1476:6c7e::3 (protocol 75)
    Rules        ip filter EDERA-FORWARD handle 7: oifname "vif7.0" counter accept
    Neighbours   10.75.0.3 REACHABLE
    Uplink       ✗ an echo request from 10.75.0.3 to 192.0.2.254: forward: a rule drops it
                 fix: nft insert rule inet fw forward iifname vif7.0 accept
                 fix: or
                      in two lines
    Connections  12, of which these 1
      ZONE  LINK    DIR  PEER                           PORT     STATE        SENT  RECEIVED  AGE  POLICY
      web   vif7.0  out  api.example.com (203.0.113.7)  443/tcp  established     -         -   5s  -
      bytes are not counted on this host: sysctl -w net.netfilter.nf_conntrack_acct=1
    Log          nothing about it"
  `);
});

it('with 120 columns', () => {
  expect(shown(whole, 120)).toMatchInlineSnapshot(`
    "web (vif7.0): failed for 2h, since TIME: the link went down �[2J
      fix: ip link set vif7.0 up
    Addresses    10.75.0.3, fdd4:1476:6c7e::3; as static says (/zones.d/vif7.0.toml)
    Traffic      568 kB (1234 packets, 1.2 kB/s) sent, 840 B (1 packet, 0 B/s) received
    Dropped      source 12k packets; last 10.75.0.99 to 203.0.113.7, 1m 5s ago
    Policy       enforced
      allow:
        icmp  /etc/edera/policy.d/web.toml:4
      All else is denied.
      open by names now:
        api.example.com  203.0.113.7:443  1m 30s left
    Routes       10.75.0.3 (protocol 75)
                 fdd4:1476:6c7e::3 (protocol 75)
    Rules        ip filter EDERA-FORWARD handle 7: oifname "vif7.0" counter accept
    Neighbours   10.75.0.3 REACHABLE
    Uplink       ✗ an echo request from 10.75.0.3 to 192.0.2.254: forward: a rule drops it
                 fix: nft insert rule inet fw forward iifname vif7.0 accept
                 fix: or
                      in two lines
    Connections  12, of which these 1
      ZONE  LINK    DIR  PEER                           PORT     STATE        SENT  RECEIVED  AGE  POLICY
      web   vif7.0  out  api.example.com (203.0.113.7)  443/tcp  established     -         -   5s  -
      bytes are not counted on this host: sysctl -w net.netfilter.nf_conntrack_acct=1
    Log          nothing about it"
  `);
});

it('with 80 columns', () => {
  expect(shown(whole, 80)).toMatchInlineSnapshot(`
    "web (vif7.0): failed for 2h, since TIME: the link went down �[2J
      fix: ip link set vif7.0 up
    Addresses    10.75.0.3, fdd4:1476:6c7e::3; as static says (/zones.d/vif7.0.toml)
    Traffic      568 kB (1234 packets, 1.2 kB/s) sent, 840 B (1 packet, 0 B/s)
                 received
    Dropped      source 12k packets; last 10.75.0.99 to 203.0.113.7, 1m 5s ago
    Policy       enforced
      allow:
        icmp  /etc/edera/policy.d/web.toml:4
      All else is denied.
      open by names now:
        api.example.com  203.0.113.7:443  1m 30s left
    Routes       10.75.0.3 (protocol 75)
                 fdd4:1476:6c7e::3 (protocol 75)
    Rules        ip filter EDERA-FORWARD handle 7: oifname "vif7.0" counter accept
    Neighbours   10.75.0.3 REACHABLE
    Uplink       ✗ an echo request from 10.75.0.3 to 192.0.2.254: forward: a rule
                 drops it
                 fix: nft insert rule inet fw forward iifname vif7.0 accept
                 fix: or
                      in two lines
    Connections  12, of which these 1
      ZONE  DIR  PEER                           PORT     SENT  RECEIVED  AGE  POLICY
      web   out  api.example.com (203.0.113.7)  443/tcp     -         -   5s  -
      bytes are not counted on this host: sysctl -w
      net.netfilter.nf_conntrack_acct=1
    Log          nothing about it"
  `);
});

it('each part that cannot be had is a line, and the others are there', () => {
  const parts = {
    status: failed,
    explained: failed,
    traffic: failed,
    drops: failed,
    connections: failed,
    routing: failed,
    neighbours: failed,
    log: failed,
  };
  const nothing = { ...whole, ...parts, leases: [] };
  expect(shown(nothing, 120)).toMatchInlineSnapshot(`
    "web (vif7.0): the daemon does not say how it is: nft: Operation not permitted
    Addresses    10.75.0.3, fdd4:1476:6c7e::3; who says so is not known
    Traffic      cannot be had: nft: Operation not permitted
    Dropped      cannot be had: nft: Operation not permitted
    Policy       enforced
      allow:
        icmp  /etc/edera/policy.d/web.toml:4
      All else is denied.
    Routes       cannot be had: nft: Operation not permitted
    Rules        cannot be had: nft: Operation not permitted
    Neighbours   cannot be had: nft: Operation not permitted
    Uplink       cannot be had: nft: Operation not permitted
    Connections  cannot be had: nft: Operation not permitted
    Log          cannot be had: nft: Operation not permitted"
  `);
  expect(zonePageJson(nothing, noon)).toMatchObject({ link: 'vif7.0', log: { error: 'nft: Operation not permitted' } });
});
