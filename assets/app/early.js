// Starts the worker before the application is there, so that both are compiled at once. The application takes it over together with
// what it has said until then; a worker that is started later is not told that it is the first.
{
  const worker = new Worker('./worker_loader.js', { name: 'first' });
  const said = [];
  globalThis.espalierFirst = { worker, said };
  worker.onmessage = ({ data }) => {
    // Milliseconds from navigation to the first matrix product.
    if (data.firstProduct === true) document.documentElement.dataset.firstProduct = performance.now().toFixed(1);
    else said.push(data);
  };
}
