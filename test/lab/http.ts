/** HTTP over a Unix socket. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** The body of a 200; throws for everything else. Gives up after 10 s of silence. */
export function httpGet(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, timeout: 10_000, agent: false }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`GET ${path}: ${response.statusCode} ${body}`));
      }, reject);
    });
    call.on('timeout', () => call.destroy(new Error(`GET ${path}: no answer within 10 s`)));
    call.on('error', reject);
    call.end();
  });
}
