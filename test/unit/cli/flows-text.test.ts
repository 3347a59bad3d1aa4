/** What `flows` prints, whole, at three widths. */
import { expect, it } from 'vitest';
import { compareFlows, eventLine, flowJson, flowTable } from '../../../src/cli/flows-text.ts';
import { painter } from '../../../src/cli/paint.ts';
import type { Address } from '../../../src/model/address.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { Best } from '../../../src/traffic/best.ts';
import type { Flow } from '../../../src/traffic/flow.ts';
import { noon } from '../control/support.ts';

const zone = (link: string, name: string | undefined, address: string) => {
  return { link: link as LinkName, name, addresses: [address as Address] };
};
const [web, db, plain] = [
  zone('vif7.0', 'web', '10.75.0.7'),
  zone('vif8.0', 'd\x1b[31mb', '10.75.0.8'),
  zone('vif9.0', undefined, '10.75.0.9'),
];
const stranger = { address: '203.0.113.7' as Address, port: 443, zone: undefined, isHost: false, name: undefined };

function flow(more: Partial<Flow>): Flow {
  return {
    id: 1,
    zone: web,
    direction: 'out',
    peer: stranger,
    protocol: 'tcp',
    port: 443,
    answeredBy: undefined,
    state: 'established',
    sent: { packets: 12, bytes: 34_000 },
    received: { packets: 20, bytes: 5_600_000 },
    beganAt: noon - 185_000,
    endedAt: undefined,
    verdict: { kind: 'none', rule: undefined, place: undefined },
    ...more,
  };
}

const place = { file: '/etc/edera/policy.d/agents.toml', line: 6, column: 3 };
const flows = [
  flow({
    peer: { ...stranger, name: 'api.example.com' },
    verdict: { kind: 'lease', rule: '*.example.com:443', place },
  }),
  flow({
    id: 2,
    zone: plain,
    protocol: 'icmp',
    port: undefined,
    state: 'unanswered',
    sent: undefined,
    received: undefined,
    beganAt: undefined,
  }),
  flow({
    id: 3,
    peer: { ...stranger, address: '10.75.0.8' as Address, zone: db },
    port: 5432,
    verdict: { kind: 'unruled', rule: undefined, place: undefined },
  }),
  flow({
    id: 4,
    zone: db,
    direction: 'in',
    peer: { ...stranger, address: '2001:db8:1234:5678:9abc:def0:1234:5678' as Address },
  }),
];

function shown(width: number): string {
  return flowTable(flows, { now: noon, width, paint: painter(false) }).join('\n');
}

it('with 200 columns', () => {
  expect(shown(200)).toMatchInlineSnapshot(`
    "ZONE     LINK    DIR  PEER                                    PORT      STATE         SENT  RECEIVED  AGE  POLICY
    web      vif7.0  out  api.example.com (203.0.113.7)           443/tcp   established  34 kB    5.6 MB   3m  agents.toml:6 "*.example.com:443"
    vif9.0   vif9.0  out  203.0.113.7                             icmp      unanswered       -         -    -  -
    web      vif7.0  out  d�[31mb (10.75.0.8)                     5432/tcp  established  34 kB    5.6 MB   3m  no rule now
    d�[31mb  vif8.0  in   2001:db8:1234:5678:9abc:def0:1234:5678  443/tcp   established  34 kB    5.6 MB   3m  -"
  `);
});

it('with 120 columns', () => {
  expect(shown(120)).toMatchInlineSnapshot(`
    "ZONE     DIR  PEER                                    PORT       SENT  RECEIVED  AGE  POLICY
    web      out  api.example.com (203.0.113.7)           443/tcp   34 kB    5.6 MB   3m  agents.toml:6 "*.example.com:443"
    vif9.0   out  203.0.113.7                             icmp          -         -    -  -
    web      out  d�[31mb (10.75.0.8)                     5432/tcp  34 kB    5.6 MB   3m  no rule now
    d�[31mb  in   2001:db8:1234:5678:9abc:def0:1234:5678  443/tcp   34 kB    5.6 MB   3m  -"
  `);
});

it('with 80 columns', () => {
  expect(shown(80)).toMatchInlineSnapshot(`
    "ZONE     DIR  PEER                                    PORT       SENT  RECEIVED
    web      out  api.example.com (203.0.113.7)           443/tcp   34 kB    5.6 MB
    vif9.0   out  203.0.113.7                             icmp          -         -
    web      out  d�[31mb (10.75.0.8)                     5432/tcp  34 kB    5.6 MB
    d�[31mb  in   2001:db8:1234:5678:9abc:def0:1234:5678  443/tcp   34 kB    5.6 MB"
  `);
});

it('a beginning and an end', () => {
  const view = { now: noon, width: Number.POSITIVE_INFINITY, paint: painter(false) };
  const lines = flows.slice(0, 2).flatMap((each) => [eventLine('begin', each, view), eventLine('end', each, view)]);
  // The time is a local one.
  expect(lines.map((line) => line.replace(/^\S+/, 'TIME')).join('\n')).toMatchInlineSnapshot(`
    "TIME  begin  web       out  443/tcp   api.example.com (203.0.113.7)  agents.toml:6 "*.example.com:443"
    TIME  end    web       out  443/tcp   api.example.com (203.0.113.7)  34 kB sent, 5.6 MB received, after 3m, agents.toml:6 "*.example.com:443"
    TIME  begin  vif9.0    out  icmp      203.0.113.7
    TIME  end    vif9.0    out  icmp      203.0.113.7"
  `);
});

it('as JSON nothing is left out, and nothing that is not known is a number', () => {
  expect(flows.slice(0, 2).map((each) => flowJson(each, noon))).toMatchInlineSnapshot(`
    [
      {
        "answeredBy": null,
        "beganAt": 1767322860000,
        "direction": "out",
        "link": "vif7.0",
        "peer": {
          "address": "203.0.113.7",
          "host": false,
          "link": null,
          "name": "api.example.com",
          "port": 443,
          "zone": null,
        },
        "policy": {
          "file": "/etc/edera/policy.d/agents.toml",
          "line": 6,
          "rule": "*.example.com:443",
          "verdict": "lease",
        },
        "port": 443,
        "protocol": "tcp",
        "received": {
          "bytes": 5600000,
          "packets": 20,
        },
        "seconds": 185,
        "sent": {
          "bytes": 34000,
          "packets": 12,
        },
        "state": "established",
        "zone": "web",
      },
      {
        "answeredBy": null,
        "beganAt": null,
        "direction": "out",
        "link": "vif9.0",
        "peer": {
          "address": "203.0.113.7",
          "host": false,
          "link": null,
          "name": null,
          "port": 443,
          "zone": null,
        },
        "policy": {
          "file": null,
          "line": null,
          "rule": null,
          "verdict": "none",
        },
        "port": null,
        "protocol": "icmp",
        "received": null,
        "seconds": null,
        "sent": null,
        "state": "unanswered",
        "zone": null,
      },
    ]
  `);
});

it.each([
  ['bytes', [4, 1, 3, 2]],
  ['age', [4, 1, 3, 2]],
  ['zone', [4, 2, 1, 3]],
  ['peer', [4, 2, 1, 3]],
] as const)('by %s, and then always in the same order', (order, ids) => {
  for (const given of [flows, flows.toReversed()])
    expect(given.toSorted(compareFlows(order)).map(({ id }) => id)).toEqual(ids);
});

it('the first of many are kept in the memory of a few', () => {
  const best = new Best<number>(3, (one, other) => one - other);
  for (let number = 100; number > 0; number -= 1) best.add((number * 37) % 101);
  expect(best.sorted()).toEqual([1, 2, 3]);
  expect(best.count).toBe(100);
});
