/** The zone directory where every commit conflicts, as a guest might bring about: what it may and may not conclude then. */
import { expect, test, vi } from 'vitest';
import { XenstoreDirectory } from '../../../../src/directories/xenstore/directory.ts';
import { encodeStrings } from '../../../../src/xenstore/body.ts';
import { encodeFrame, MessageType } from '../../../../src/xenstore/frame.ts';
import { refuse, type ScriptedServer, serve } from '../../xenstore/server.ts';

const folder = '/local/domain/0/backend/vif';

interface Script {
  readonly permissions: Map<string, string>;
  conflict: boolean;
}

/** A tree with vif5.0 and vif5.1, and permissions and conflicts as the script has them at the moment. */
function serveTree(script: Script): Promise<ScriptedServer> {
  const children = new Map([
    [folder, ['5']],
    [`${folder}/5`, ['0', '1']],
  ]);
  const values = new Map([0, 1].map((device) => [`${folder}/5/${device}/ip`, `10.75.0.${device + 3}`]));
  const reply = (type: number, node: string): Buffer | undefined => {
    if (type === MessageType.getPermissions) return encodeStrings(script.permissions.get(node) ?? 'n0');
    if (type === MessageType.transactionStart) return encodeStrings('1');
    if (type === MessageType.watch || type === MessageType.transactionEnd) return encodeStrings('OK');
    const found = type === MessageType.directory ? children.get(node)?.join('\0').concat('\0') : values.get(node);
    return found === undefined ? undefined : Buffer.from(found);
  };
  return serve({
    answer: (request, socket) => {
      const [node = ''] = request.body.toString().split('\0');
      const commit = request.type === MessageType.transactionEnd && node === 'T';
      const body = reply(request.type, node);
      if (commit && script.conflict) refuse(socket, request, 'EAGAIN');
      else if (body === undefined) refuse(socket, request, 'ENOENT');
      else socket.write(encodeFrame({ ...request, body }));
    },
  });
}

test('a suspicion counts without a commit, and nothing else does', async () => {
  const script: Script = { permissions: new Map([[`${folder}/5/0/ip`, 'n5']]), conflict: true };
  await using server = await serveTree(script);
  const directory = new XenstoreDirectory({ path: server.socket });
  try {
    await directory.start(() => undefined);
    expect(directory.snapshot()).toMatchObject({
      state: 'answered',
      entries: [],
      problems: [`possible attack: ${folder}/5/0/ip is not used: domain 5 owns it, not domain 0`],
    });
  } finally {
    await directory.stop();
  }
});

test('without a suspicion, conflicts leave what was read before, say so, and are tried again', async () => {
  const script: Script = { permissions: new Map(), conflict: true };
  await using server = await serveTree(script);
  const directory = new XenstoreDirectory({ path: server.socket });
  try {
    await directory.start(() => undefined);
    expect(directory.snapshot()).toMatchObject({
      entries: [],
      problems: [expect.stringMatching(/^domain 5 could not be read, .*EAGAIN/)],
    });
    script.conflict = false;
    await vi.waitFor(
      () =>
        expect(directory.snapshot()).toMatchObject({ problems: [], entries: [{ link: 'vif5.0' }, { link: 'vif5.1' }] }),
      { timeout: 2000 },
    );
  } finally {
    await directory.stop();
  }
});
