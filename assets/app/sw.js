// Keeps the page, so that it opens without a network after the first visit. The build fills in the version and the files.
const VERSION = '@VERSION@';
const FILES = [/*@FILES@*/];
const NAME = `espalier-${VERSION}`;
const HOME = new URL('./', location).href;
const KEPT = new Set(FILES.map((file) => new URL(file, HOME).href));

self.addEventListener('install', (event) => {
  // Past the browser's own cache: files of one version only.
  const requests = FILES.map((file) => new Request(file, { cache: 'reload' }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('espalier-') && name !== NAME;
  const tidy = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(tidy.then(() => self.clients.claim()));
});

// The page asks for this when the visitor wants the new version.
self.addEventListener('message', (event) => event.data === 'take over' && self.skipWaiting());

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  url.search = url.hash = '';
  const key = request.mode === 'navigate' && url.href === `${HOME}index.html` ? HOME : url.href;
  // Everything else goes its own way: other hosts, files that are not the page's.
  if (request.method !== 'GET' || !KEPT.has(key)) return;
  event.respondWith(answer(request, key));
});

async function answer(request, key) {
  const cache = await caches.open(NAME);
  const whole = await cache.match(key);
  if (!whole) return fetch(request);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '');
  if (!range) return whole;
  const blob = await whole.blob();
  const [start, end] = [Number(range[1]), Math.min(range[2] ? Number(range[2]) + 1 : blob.size, blob.size)];
  if (start >= blob.size) return new Response(null, { status: 416, headers: { 'content-range': `bytes */${blob.size}` } });
  const headers = { 'content-range': `bytes ${start}-${end - 1}/${blob.size}`, 'content-type': whole.headers.get('content-type') ?? 'application/octet-stream' };
  return new Response(blob.slice(start, end), { status: 206, headers });
}
