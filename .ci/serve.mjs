// Serves dist/app, and dist/docs at /docs/, as any static host would: compressed, with the right types, and nothing else.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { root } from './steps.mjs';

const kHost = '127.0.0.1';
const kDocs = '/docs/';

/**
 * Starts serving a folder, dist/app unless told, at `port` or, where that is taken, any free one.
 * Resolves to the address and a function that stops it.
 */
export async function serve({ port = 0, folder = join(root, 'dist', 'app'), docs = join(root, 'dist', 'docs') } = {}) {
  if (!existsSync(join(folder, 'index.html'))) throw new Error(`serve: ${folder} holds no index.html; build the page first`);
  const { default: sirv } = await import('sirv');
  // The page states its content security policy itself; as a header it holds from the first byte on.
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(readFileSync(join(folder, 'index.html'), 'utf8'))?.[1];
  const common = (response, path) => {
    // An isolated page has a finer clock, and threads that share memory.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (/\.(latencast|bin)$/.test(path)) response.setHeader('Content-Type', 'application/octet-stream');
  };
  const setHeaders = (response, path) => {
    common(response, path);
    if (policy && /(^|\/)index\.html(\.gz)?$|\/$/.test(path)) response.setHeader('Content-Security-Policy', policy);
  };
  // `gzip`: the builds leave a compressed twin beside every file worth it.
  const page = sirv(folder, { gzip: true, etag: true, setHeaders });
  const guide = existsSync(docs) ? sirv(docs, { gzip: true, etag: true, setHeaders: common }) : undefined;
  const server = createServer((request, response) => {
    const missing = () => {
      response.statusCode = 404;
      response.end('Not found');
    };
    const [path] = (request.url ?? '').split('?');
    if (path === kDocs.slice(0, -1)) {
      response.writeHead(302, { Location: kDocs }).end();
    } else if (guide && path.startsWith(kDocs)) {
      request.url = request.url.slice(kDocs.length - 1);
      guide(request, response, missing);
    } else {
      page(request, response, missing);
    }
  });
  const listen = (at) =>
    new Promise((done, fail) => {
      server.once('error', fail);
      server.listen(at, kHost, () => {
        server.off('error', fail);
        done();
      });
    });
  await listen(port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return listen(0);
  });
  return {
    address: `http://${kHost}:${server.address().port}/`,
    stop: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}
