// Starts the application, then keeps the page for use without a network. The build fills in the application's file.
import init from './@APP@.js';

const root = document.documentElement;
// The page is painted before the application is there: the last button pressed meanwhile is pressed again once it is.
let early;
const hear = (event) => (early = event.target.closest?.('button')?.dataset.test ?? early);
addEventListener('click', hear);
init({ module_or_path: './@APP@_bg.wasm' }).then(() => {
  removeEventListener('click', hear);
  if (early) document.querySelector(`[data-test="${early}"]`)?.click();
  keep();
});

async function keep() {
  // Pages on plain http have no service worker; embedding pages may forbid one. Everything works without.
  if (!navigator.serviceWorker) return;
  try {
    const kept = await navigator.serviceWorker.register('./sw.js');
    const tell = (worker) => worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && navigator.serviceWorker.controller) newer(kept);
    });
    if (kept.waiting && navigator.serviceWorker.controller) newer(kept);
    kept.addEventListener('updatefound', () => tell(kept.installing));
    await navigator.serviceWorker.ready;
    root.dataset.offline = 'ready';
    dispatchEvent(new Event('espalier-offline'));
  } catch (why) {
    root.dataset.offline = `none: ${why.message}`;
  }
}

function newer(kept) {
  root.dataset.update = 'ready';
  dispatchEvent(new Event('espalier-update'));
  addEventListener('espalier-take-over', () => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
    kept.waiting?.postMessage('take over');
  });
}
