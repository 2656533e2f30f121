// A helper of the worker, or with `?whole` of the worker with everything. It waits for the module that the worker has compiled, so that
// nothing is fetched or compiled twice.
importScripts(location.search === '?whole' ? './worker-whole.js' : './worker.js');
onmessage = ({ data }) => {
  onmessage = null;
  wasm_bindgen.initSync({ module: data });
};
