import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchStatus } from '../../../src/control/fetch-status.ts';
import { ExitCode, hasCode } from '../../../src/model/errors.ts';
import { serving, statusOf, temporaryDirectory } from './support.ts';

test('brings the status as it was given', async () => {
  const socket = join(temporaryDirectory(), 'control.sock');
  await serving({ socket });
  expect(await fetchStatus(socket)).toEqual(statusOf());
});

test('says that the daemon does not run, and what to do', async () => {
  const socket = join(temporaryDirectory(), 'control.sock');
  const call = fetchStatus(socket);
  await expect(call).rejects.toMatchObject({ code: 'unreachable', exitCode: ExitCode.tryAgain });
  await expect(call).rejects.toThrow(
    `protect-network is not running (no answer at ${socket}); start it with 'systemctl start protect-network'`,
  );
});

test('passes on what the daemon says it could not do', async () => {
  const socket = join(temporaryDirectory(), 'control.sock');
  await serving({ socket, status: () => Promise.reject(new Error('nft is gone')) });
  await expect(fetchStatus(socket)).rejects.toThrow(/answered 500: .*nft is gone/);
});

test.each([
  ['no JSON', 'hello'],
  ['another document', '{"state":"ready"}'],
  ['null', 'null'],
  ['a zone that is none', JSON.stringify({ ...statusOf(), zones: [{ link: 'vif7.0' }] })],
])('refuses an answer that is %s', async (_what, body) => {
  const socket = await answering((_request, response) => response.end(body));
  await expect(fetchStatus(socket)).rejects.toSatisfy((error) => hasCode(error, 'garbled'));
});

test('does not swallow an endless answer', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 0x20);
  const socket = await answering((_request, response) => {
    const more = () => {
      while (response.write(chunk) && !response.destroyed);
      response.once('drain', more);
    };
    more();
  });
  await expect(fetchStatus(socket)).rejects.toThrow(/more than 67108864 bytes/);
}, 15_000);

test('a daemon that hangs up in the middle can be tried again', async () => {
  const socket = await answering((request) => request.socket.destroy());
  await expect(fetchStatus(socket)).rejects.toMatchObject({ code: 'unreachable' });
});

async function answering(listener: RequestListener): Promise<string> {
  const socket = join(temporaryDirectory(), 'control.sock');
  const server = createServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  return socket;
}
