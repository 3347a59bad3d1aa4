/**
 * A program that stands for a resolver, or for somebody beside it, and lies as the first label of the name says. It listens at its
 * argument's address, and prints each query as JSON: name in its case, id, port, type, transport.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer } from 'node:net';
import packet, { type Answer, type DecodedPacket, type Packet } from 'dns-packet';

const [address = ''] = process.argv.slice(2);
const truth = '198.51.100.20';
const lie = '203.0.113.66';
const sixty = Array.from({ length: 60 }, (_, place) => `198.51.100.${100 + place}`);

type Asked = DecodedPacket & { readonly id: number };
type Reply = (asked: Asked, isUdp: boolean) => Packet[];

function told(asked: Asked, answers: readonly Answer[], more: Packet = {}): Packet {
  return { type: 'response', id: asked.id, questions: asked.questions ?? [], answers: [...answers], ...more };
}

function records(name: string, addresses: readonly string[], ttl = 300): Answer[] {
  return addresses.map((data) => ({ name, type: data.includes(':') ? 'AAAA' : 'A', ttl, data }) as Answer);
}

function nameOf({ questions }: Asked): string {
  return questions?.[0]?.name ?? '';
}

function right(asked: Asked): Packet {
  return told(asked, records(nameOf(asked), [truth]));
}

function wrong(asked: Asked, more: Packet = {}): Packet {
  return told(asked, records(nameOf(asked), [lie]), more);
}

const replies: Readonly<Record<string, Reply>> = {
  'wrong-id': (asked) => [wrong(asked, { id: (asked.id + 1) % 65_536 }), right(asked)],
  'wrong-case': (asked, isUdp) => {
    const questions = (asked.questions ?? []).map((each) => ({ ...each, name: each.name.toLowerCase() }));
    return [isUdp ? wrong(asked, { questions }) : right(asked)];
  },
  'wrong-question': (asked) => [wrong(asked, { questions: [{ name: 'other.example.com', type: 'A' }] }), right(asked)],
  'no-answer-at-all': (asked) => [{ ...wrong(asked), type: 'query' }, right(asked)],
  truncated: (asked, isUdp) =>
    isUdp ? [told(asked, [], { flags: packet.TRUNCATED_RESPONSE })] : [told(asked, records(nameOf(asked), sixty))],
  sixty: (asked, isUdp) => replies['truncated']?.(asked, isUdp) ?? [],
  loop: (asked) => [
    told(asked, [
      { name: nameOf(asked), type: 'CNAME', data: 'b.example.com' },
      { name: 'b.example.com', type: 'CNAME', data: nameOf(asked).toLowerCase() },
      ...records('b.example.com', [lie]),
    ]),
  ],
  private: (asked) => [
    told(asked, records(nameOf(asked), ['10.1.2.3', '127.0.0.1', '169.254.169.254', '10.75.0.9', truth])),
  ],
  'private-only': (asked) => [told(asked, records(nameOf(asked), ['192.168.1.1']))],
  mapped: (asked) => [
    told(
      asked,
      records(nameOf(asked), [
        '::ffff:10.1.2.3',
        '64:ff9b::a01:203',
        '2002:a01:203::1',
        'fe80::1',
        '::1',
        'fd00:ec2::254',
        '2001:db8:99::20',
      ]),
    ),
  ],
  'ttl-zero': (asked) => [told(asked, records(nameOf(asked), [truth], 0))],
  unrelated: (asked) => [
    told(asked, [...records('evil.example.net', [lie]), ...records(nameOf(asked), [truth])], {
      additionals: records(nameOf(asked), [lie]),
      authorities: records(nameOf(asked), [lie]),
    }),
  ],
  servfail: (asked) => [told(asked, [], { flags: 2 })],
  silent: () => [],
};

function answers(bytes: Buffer, isUdp: boolean, port: number): Buffer[] {
  const asked = packet.decode(bytes) as Asked;
  const name = nameOf(asked);
  const type = asked.questions?.[0]?.type;
  console.log(JSON.stringify({ name, id: asked.id, port, type, transport: isUdp ? 'udp' : 'tcp' }));
  const [first = ''] = name.toLowerCase().split('.');
  const isAsked = type === 'AAAA' ? first === 'mapped' : true;
  const reply = replies[first] ?? ((each: Asked) => [right(each)]);
  return (isAsked ? reply(asked, isUdp) : [told(asked, [])]).map((each) => packet.encode(each));
}

const udp = createSocket('udp4');
const elsewhere = createSocket('udp4');
udp.on('message', (bytes: Buffer, { port, address: source }: RemoteInfo) => {
  const isElsewhere = packet.decode(bytes).questions?.[0]?.name.toLowerCase().startsWith('wrong-port.');
  if (isElsewhere) elsewhere.send(packet.encode(wrong(packet.decode(bytes) as Asked)), port, source);
  const reply = () => {
    for (const answer of answers(bytes, true, port)) udp.send(answer, port, source);
  };
  setTimeout(reply, isElsewhere ? 50 : 0);
});
udp.bind(53, address, () => elsewhere.bind(5353, address, listenByTcp));

function listenByTcp(): void {
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      for (const answer of answers(bytes.subarray(2), false, socket.remotePort ?? 0)) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      }
    });
  }).listen(53, address, () => console.log('ready'));
}
