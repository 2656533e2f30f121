// TensorFlow.js on its wasm backend (XNNPACK). Its transpose flags leave the fast path, so both operands are turned round by hand.
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

export async function create() {
  setWasmPaths("/npm/@tensorflow/tfjs-backend-wasm/dist/");
  tf.enableProdMode();
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs has no wasm here");
  await tf.ready();
  const tensor = ({ data, shape }) => tf.tensor(data, shape);
  const read = async (make) => {
    const result = tf.tidy(make);
    const data = await result.data();
    result.dispose();
    return data;
  };
  return {
    gemm({ a, b }, { form }) {
      const [x, y] = [tensor(a), tensor(b)];
      const product = { nn: () => tf.matMul(x, y), nt: () => tf.matMul(x, tf.transpose(y)), tn: () => tf.matMul(tf.transpose(x), y) }[form];
      return () => read(product);
    },
    // The smallest half are the largest of the negated sizes; topk puts the lower index first.
    select({ a }, { prune }) {
      const w = tensor(a);
      const [rows, cols] = a.shape;
      return async () => {
        const indices = await read(() => tf.topk(tf.neg(tf.abs(w)), prune, true).indices);
        const mask = new Uint32Array(rows * cols);
        for (let i = 0; i < indices.length; i++) mask[Math.floor(i / prune) * cols + indices[i]] = 1;
        return mask;
      };
    },
  };
}
