/** Servers of tests that need more than one origin: pages of the test's own, or folders of the project, with headers as told. */

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';

const kRoot = resolve(import.meta.dirname, '../..');
const kTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface Host {
  /** With a slash at the end. */
  readonly address: string;
  /** Paths in the order they were asked for. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** `text` gives a page by its path; whatever it does not have is looked for in the project's folder. */
export async function host(
  text: (path: string) => string | undefined,
  headers: (path: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<Host> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    asked.push(path);
    for (const [name, value] of Object.entries(headers(path))) response.setHeader(name, value);
    const page = text(path);
    const file = join(kRoot, path);
    if (page !== undefined) {
      response.setHeader('Content-Type', kTypes[extname(path)] ?? kTypes['.html']!);
      response.end(page);
    } else if (extname(path) !== '' && existsSync(file)) {
      response.setHeader('Content-Type', kTypes[extname(path)] ?? 'application/octet-stream');
      createReadStream(file).pipe(response);
    } else {
      response.statusCode = 404;
      response.end('Not found');
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}
