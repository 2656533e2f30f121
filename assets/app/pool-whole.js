// A helper of the worker with everything; see pool.js.
importScripts('./worker-whole.js');
onmessage = ({ data }) => {
  onmessage = null;
  wasm_bindgen.initSync({ module: data });
};
