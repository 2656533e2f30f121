// @jax-js/jax on `wasm` or `webgpu`. A use of an array consumes one reference; `.ref` adds one.
import { defaultDevice, init, jit, numpy as np } from "@jax-js/jax";

export async function create(device) {
  if (!(await init(device)).includes(device)) throw new Error(`jax-js has no ${device} here`);
  defaultDevice(device);
  const array = ({ data, shape }) => np.array(data).reshape(shape);
  const forms = {
    nn: (a, b) => np.matmul(a, b),
    nt: (a, b) => np.matmul(a, np.transpose(b)),
    tn: (a, b) => np.matmul(np.transpose(a), b),
  };
  return {
    gemm({ a, b }, { form }) {
      const [x, y, product] = [array(a), array(b), jit(forms[form])];
      return () => product(x.ref, y.ref).data();
    },
  };
}
