/** What the netlink library promises, on the kernel of a namespace with nothing in it but `lo`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import * as netlink from '../../src/netlink/index.ts';

const { protocol, routeTable } = netlink;
const linkGroup = 1;

export const cases: Readonly<Record<string, () => Promise<void>>> = {
  'the self-test passes': () => netlink.selfTest(),

  'links are read with what they are and their settings': async () => {
    ip('link', 'add', 'below', 'type', 'veth', 'peer', 'name', 'above');
    ip('link', 'add', 'bridge', 'type', 'bridge');
    ip('link', 'set', 'above', 'master', 'bridge');
    ip('link', 'set', 'above', 'group', '7', 'mtu', '1400');
    ip('link', 'set', 'below', 'up');
    sysctl('net.ipv4.conf.above.rp_filter=1', 'net.ipv4.conf.above.proxy_arp=1', 'net.ipv6.conf.above.accept_ra=0');
    sysctl('net.ipv6.conf.above.proxy_ndp=1', 'net.ipv6.conf.above.accept_dad=2');
    const [above, bridge, below] = ['above', 'bridge', 'below'].map((name) =>
      links().find((link) => link.name === name),
    );
    assert.deepEqual(
      [above?.kind, above?.master, above?.lower, above?.group, above?.mtu, above?.isUp],
      ['veth', bridge?.ifindex, below?.ifindex, 7, 1400, false],
    );
    assert.deepEqual([below?.kind, below?.isUp, below?.hasCarrier, below?.hardware], ['veth', true, false, 1]);
    assert.deepEqual(
      [above?.ipv4?.('rp_filter'), above?.ipv4?.('proxy_arp'), above?.ipv4?.('no such')],
      [1, 1, undefined],
    );
    const ipv6 = ['accept_ra', 'proxy_ndp', 'accept_dad'].map((name) => above?.ipv6?.(name));
    assert.deepEqual(ipv6, [0, 1, 2]);
  },

  'every setting that is known by name has the value that the kernel shows under /proc': async () => {
    ip('link', 'add', 'one', 'type', 'veth');
    const names = (family: string) => execFileSync('ls', [`/proc/sys/net/${family}/conf/one`], { encoding: 'utf8' });
    const [ipv4, ipv6] = [names('ipv4').split('\n'), names('ipv6').split('\n')];
    // Each gets a value of its own: with one for all, places could be confused.
    for (const [family, known, reads] of [
      ['ipv4', ipv4, (name: string) => link('one').ipv4?.(name)],
      ['ipv6', ipv6, (name: string) => link('one').ipv6?.(name)],
    ] as const) {
      const settings = known.filter((name) => reads(name) !== undefined);
      assert.ok(settings.length >= 8, `${settings.length} settings of ${family}`);
      for (const name of settings) {
        for (const value of ['1', '0', '1']) {
          sysctl(`net.${family}.conf.one.${name}=${value}`);
          assert.equal(reads(name), Number(value), `${family} ${name}`);
        }
      }
    }
  },

  'routes of every type are read as what they are': async () => {
    const types = ['blackhole', 'unreachable', 'prohibit', 'throw'] as const;
    withSocket((socket) => {
      for (const [place, type] of types.entries()) {
        const change = { type, destination: `10.75.0.${place}`, table: routeTable.main, protocol: 75 };
        socket.ask(netlink.addRoute(change, 'exclusive'));
      }
      const routes = socket.dump(netlink.listRoutes('ipv4', { table: routeTable.main }), netlink.readRoute);
      assert.deepEqual(
        routes.map(({ type, destination, protocol: by }) => [type, destination, by]),
        types.map((type, place) => [type, `10.75.0.${place}`, 75]),
      );
      assert.match(execFileSync('ip', ['-N', 'route'], { encoding: 'utf8' }), /^(?:throw|9) 10.75.0.3 proto 75/m);
    });
  },

  'addresses and policy rules are read as ip tells them': async () => {
    ip('address', 'add', '192.0.2.7/24', 'dev', 'lo');
    ip('-6', 'address', 'add', '2001:db8::7/64', 'dev', 'lo');
    ip('rule', 'add', 'from', '192.0.2.0/24', 'to', '198.51.100.1', 'iif', 'lo', 'lookup', '300', 'priority', '50');
    ip('-6', 'rule', 'add', 'not', 'from', '2001:db8::/32', 'fwmark', '0x10/0xf0', 'prohibit', 'priority', '51');
    const ports = ['ipproto', 'tcp', 'sport', '7', 'dport', '80-90', 'tos', '0x10', 'uidrange', '500-600', 'oif', 'lo'];
    ip('rule', 'add', ...ports, 'lookup', '300', 'suppress_prefixlength', '0', 'priority', '52');
    ip('rule', 'add', 'goto', '32766', 'priority', '53');
    ip('rule', 'add', 'l3mdev', 'priority', '54');
    withSocket((socket) => {
      const addresses = (['ipv4', 'ipv6'] as const).flatMap((family) =>
        socket.dump(netlink.listAddresses(family), netlink.readAddress),
      );
      assert.deepEqual(addresses, [
        { family: 'ipv4', ifindex: 1, address: '192.0.2.7', length: 24, scope: 0, flags: 0x80 },
        { family: 'ipv6', ifindex: 1, address: '2001:db8::7', length: 64, scope: 0, flags: 0x80 },
      ]);
      const rule = (family: netlink.IpFamily, priority: number) => {
        const found = socket
          .dump(netlink.listRules(family), netlink.readRule)
          .find((each) => each.priority === priority);
        // What it does not say is left out.
        return JSON.parse(JSON.stringify(found));
      };
      const plain = { typeOfService: 0, isOfVrf: false, isInverted: false, suppressedLength: -1 };
      const lookup = { ...plain, family: 'ipv4', priority: 50, table: 300, action: 1 };
      assert.deepEqual(rule('ipv4', 50), { ...lookup, from: '192.0.2.0/24', to: '198.51.100.1', input: 'lo' });
      const prohibit = { ...plain, family: 'ipv6', priority: 51, table: 0, action: 8, isInverted: true };
      assert.deepEqual(rule('ipv6', 51), { ...prohibit, from: '2001:db8::/32', mark: { value: 16, mask: 240 } });
      const ports = { transport: 6, sourcePorts: [7, 7], destinationPorts: [80, 90] };
      const dear = { typeOfService: 0x10, user: 500, suppressedLength: 0, output: 'lo' };
      assert.deepEqual(rule('ipv4', 52), {
        ...plain,
        family: 'ipv4',
        priority: 52,
        table: 300,
        action: 1,
        ...ports,
        ...dear,
      });
      assert.deepEqual(rule('ipv4', 53), { ...plain, family: 'ipv4', priority: 53, table: 0, action: 2, goto: 32_766 });
      assert.deepEqual(rule('ipv4', 54), {
        ...plain,
        family: 'ipv4',
        priority: 54,
        table: 0,
        action: 1,
        isOfVrf: true,
      });
    });
  },

  'neighbours and ways over several next hops are read as ip tells them': async () => {
    ip('link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other');
    ip('link', 'set', 'other', 'up');
    ip('address', 'add', '192.0.2.1/24', 'dev', 'one');
    ip('link', 'set', 'one', 'up');
    ip('neighbour', 'add', '192.0.2.8', 'dev', 'one', 'lladdr', '02:00:00:00:00:01', 'nud', 'stale');
    ip('neighbour', 'add', 'proxy', '192.0.2.9', 'dev', 'one');
    ip('route', 'add', '203.0.113.0/24', 'nexthop', 'via', '192.0.2.2', 'nexthop', 'via', '192.0.2.3');
    ip('route', 'add', '198.51.100.0/24', 'via', 'inet6', 'fe80::5', 'dev', 'one', 'metric', '7');
    withSocket((socket) => {
      const neighbours = (['resolved', 'proxies'] as const).flatMap((what) =>
        socket.dump(netlink.listNeighbours('ipv4', what), netlink.readNeighbour),
      );
      const told = neighbours.map(({ address, state, isProxy }) => [address, state, isProxy]);
      assert.deepEqual(told, [
        ['192.0.2.8', 4, false],
        ['192.0.2.9', 0, true],
      ]);
      const device = link('one').ifindex;
      const routes = socket.dump(netlink.listRoutes('ipv4', { table: routeTable.main }), netlink.readRoute);
      const to = (place: string) => routes.find(({ destination }) => destination === place);
      const hops = ['192.0.2.2', '192.0.2.3'].map((gateway) => ({ device, gateway }));
      assert.deepEqual([to('203.0.113.0/24')?.hops, to('203.0.113.0/24')?.devices], [hops, [device, device]]);
      const { gateway, priority, devices } = to('198.51.100.0/24') ?? {};
      assert.deepEqual([gateway, priority, devices], ['fe80::5', 7, [device]]);
      const question = { destination: '198.51.100.9', source: '192.0.2.1', mark: 1 };
      assert.equal(socket.ask(netlink.getRoute(question)).map(netlink.readRoute)[0]?.gateway, 'fe80::5');
      assert.throws(() => socket.ask(netlink.getRoute({ ...question, input: device })), { code: 'EHOSTUNREACH' });
    });
  },

  'a listing that the kernel refuses is an error, not an empty list': async () => {
    withSocket((socket) => {
      const nowhere = netlink.listRoutes('ipv4', { device: 999_999 });
      assert.throws(() => socket.dump(nowhere, netlink.readRoute), { name: 'NetlinkError', code: 'ENODEV' });
      assert.equal(links(socket)[0]?.name, 'lo');
    });
  },

  'of many requests each has its own outcome, however many there are': async () => {
    withSocket((socket) => {
      ip('link', 'set', 'lo', 'up');
      const requests = Array.from({ length: 2000 }, (_, place) =>
        netlink.addRoute(
          {
            type: 'unicast',
            destination: `10.75.${place >> 8}.${place & 255}`,
            table: routeTable.main,
            protocol: 75,
            device: place === 777 ? 999_999 : 1,
          },
          'exclusive',
        ),
      );
      const outcomes = socket.askEach(requests);
      assert.deepEqual(
        outcomes.map((error) => error?.code).filter((code) => code !== undefined),
        ['ENODEV'],
      );
      assert.equal(outcomes[777]?.code, 'ENODEV');
      assert.equal(socket.dump(netlink.listRoutes('ipv4', { protocol: 75 }), netlink.readRoute).length, 1999);
    });
  },

  'the kernel’s own words are in the error': async () => {
    withSocket((socket) => {
      const change = { type: 'unicast', destination: '10.75.0.3', table: routeTable.main, protocol: 75 } as const;
      assert.throws(() => socket.ask(netlink.addRoute({ ...change, device: 1 }, 'exclusive')), /ENETDOWN, .*not up/);
    });
  },

  'an event carries the port of the socket that made it': async () => {
    const seen: netlink.Message[] = [];
    const events = new netlink.EventSocket(protocol.route, [7], listener(seen));
    ip('link', 'set', 'lo', 'up');
    await withSocketAsync(async (socket) => {
      const change = { type: 'unicast', destination: '10.75.0.3', table: 254, protocol: 75, device: 1 } as const;
      socket.ask(netlink.addRoute(change, 'exclusive'));
      const ours = await until(() => seen.find((message) => netlink.readRoute(message)?.destination === '10.75.0.3'));
      assert.equal(ours.port, socket.port);
    });
    events.close();
  },

  'an overflow is told behind what came before it, and later events are heard': async () => {
    const seen: (string | netlink.Message)[] = [];
    const small = 4096;
    const events = new netlink.EventSocket(protocol.route, [linkGroup], listener(seen), { receiveBuffer: small });
    await withSocketAsync(async (socket) => {
      const up = netlink.setLinkUp(1);
      // All of it while the event loop stands still.
      for (let time = 0; time < 100; time += 1) {
        ip('link', 'set', 'lo', 'down');
        socket.ask(up);
      }
      await until(() => seen.find((each) => typeof each === 'string'));
      assert.ok(typeof seen[0] === 'object', 'what was queued before the loss comes first');
      assert.equal(
        seen.findIndex((each) => typeof each === 'string'),
        seen.length - 1,
      );
      assert.ok(seen.length < 100);
      const before = seen.length;
      ip('link', 'set', 'lo', 'down');
      await until(() => (seen.length > before && typeof seen.at(-1) === 'object' ? true : undefined));
    });
    events.close();
  },

  'events are heard though nothing of ours refers to the socket': async () => {
    const seen: netlink.Message[] = [];
    void new netlink.EventSocket(protocol.route, [linkGroup], listener(seen));
    for (let time = 1; time <= 20; time += 1) {
      await delay(1);
      globalThis.gc?.();
      const garbage = Array.from({ length: 50_000 }, () => ({}));
      assert.equal(garbage.length, 50_000);
      const before = seen.length;
      ip('link', 'set', 'lo', time % 2 === 0 ? 'down' : 'up');
      await until(() => (seen.length > before ? true : undefined));
    }
  },

  'a closed socket hears nothing': async () => {
    const seen: netlink.Message[] = [];
    const events = new netlink.EventSocket(protocol.route, [linkGroup], listener(seen));
    ip('link', 'set', 'lo', 'up');
    events.close();
    ip('link', 'set', 'lo', 'down');
    await delay(20);
    assert.deepEqual(seen, []);
  },

  'a datagram socket that nobody listens on is an error': async () => {
    assert.throws(() => new netlink.DatagramSocket('@nobody-listens-here'), { code: 'ECONNREFUSED' });
    assert.throws(() => new netlink.DatagramSocket('/nowhere/at/all'), { code: 'ENOENT' });
  },
};

function links(socket?: netlink.RequestSocket): netlink.LinkMessage[] {
  const list = (by: netlink.RequestSocket) => by.dump(netlink.listLinks(), netlink.readLink);
  return socket === undefined ? withSocket(list) : list(socket);
}

function link(name: string): netlink.LinkMessage {
  const found = links().find((each) => each.name === name);
  assert.ok(found !== undefined, `no link ${name}`);
  return found;
}

function withSocket<Result>(use: (socket: netlink.RequestSocket) => Result): Result {
  const socket = new netlink.RequestSocket(protocol.route);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

async function withSocketAsync(use: (socket: netlink.RequestSocket) => Promise<void>): Promise<void> {
  const socket = new netlink.RequestSocket(protocol.route);
  try {
    await use(socket);
  } finally {
    socket.close();
  }
}

function listener(seen: (string | netlink.Message)[]) {
  return {
    heard: (message: netlink.Message) => void seen.push(message),
    lost: (reason: string) => void seen.push(reason),
  };
}

async function until<Value>(look: () => Value | undefined): Promise<Value> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`it did not happen: ${look.toString()}`);
    await delay(2);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}

function sysctl(...settings: string[]): void {
  execFileSync('sysctl', ['-q', '-w', ...settings]);
}
