// Starts the worker before the application is there, so that both are compiled at once. The application takes it over together with
// what it has said until then; a worker that is started later has another name and multiplies without saying so.
{
  const worker = new Worker('./worker_loader.js', { name: 'first' });
  const said = [];
  globalThis.espalierFirst = { worker, said };
  worker.addEventListener('message', (event) => {
    if (event.data?.firstProduct === true) {
      // Milliseconds from navigation to the first matrix product; for nobody else.
      event.stopImmediatePropagation();
      document.documentElement.dataset.firstProduct = performance.now().toFixed(1);
    } else if (globalThis.espalierFirst) {
      said.push(event.data);
    }
  });
}
