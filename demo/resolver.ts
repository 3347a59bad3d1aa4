/** The resolver of the demo's internet: answers A of any name with the address that it is given, and listens there. */
import { createSocket } from 'node:dgram';
import packet from 'dns-packet';

const [address = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('message', (bytes, { address: asker, port }) => {
  const { id = 0, questions = [] } = packet.decode(bytes);
  const answers = questions
    .filter(({ type }) => type === 'A')
    .map(({ name }) => ({ type: 'A', name, ttl: 60, data: address }) as const);
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE;
  socket.send(packet.encode({ type: 'response', id, flags, questions, answers }), port, asker);
});
socket.bind(53, address, () => console.log('ready'));
