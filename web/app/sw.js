// The service worker: keeps every file that the page needs, so that it works without a network from its second visit on, and
// brings a newer version beside the present one until the user takes it. vite.config.ts puts the list of files in.

/** Addresses relative to this file, each with a digest of its content. */
const kFiles = self.__FILES__;
const kKept = 'latencast-kept';
/** What was fetched without being in the list, such as the runtime that measures this browser. */
const kUsed = 'latencast-used';

const addressOf = (file) => new URL(file === 'index.html' ? './' : file, self.location.href).href;
const keyOf = (file, digest) => `${addressOf(file)}?kept=${digest}`;
const keys = new Map(Object.entries(kFiles).map(([file, digest]) => [addressOf(file), keyOf(file, digest)]));

/** Fetches what is not there yet; what did not change since the last version is not fetched again. */
async function install() {
  const cache = await caches.open(kKept);
  for (const [address, key] of keys) {
    if (await cache.match(key)) continue;
    const response = await fetch(address, { cache: 'no-cache' });
    if (!response.ok) throw new Error(`${address}: the server answered ${response.status}`);
    await cache.put(key, response);
  }
}

async function activate() {
  const cache = await caches.open(kKept);
  const wanted = new Set(keys.values());
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
  await self.clients.claim();
}

async function answer(request) {
  const address = request.url.split(/[?#]/)[0].replace(/\/index\.html$/, '/');
  const key = keys.get(address);
  const kept = key && (await (await caches.open(kKept)).match(key));
  if (kept) return kept;
  const used = await caches.open(kUsed);
  try {
    const response = await fetch(request);
    if (response.status === 200) await used.put(address, response.clone()).catch(() => undefined);
    return response;
  } catch (caught) {
    const before = await used.match(address);
    if (before) return before;
    throw caught;
  }
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(self.registration.scope)) event.respondWith(answer(event.request));
});
self.addEventListener('message', ({ data }) => {
  if (data === 'take over') void self.skipWaiting();
});
