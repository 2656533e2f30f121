// A helper of the worker. It waits for the module that the worker has compiled, so that nothing is fetched or compiled twice.
importScripts('./worker.js');
onmessage = ({ data }) => {
  onmessage = null;
  wasm_bindgen.initSync({ module: data });
};
