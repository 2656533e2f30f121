// TensorFlow.js on its wasm backend (XNNPACK). Its transpose flags leave the fast path, so both operands are turned round by hand.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
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
    // Adam is written out, so that its step counts what the others count.
    step(inputs, { scale, lr }) {
      const [x, t, targets] = [tensor(inputs.x), tensor(inputs.t), tf.tidy(() => tf.transpose(tensor(inputs.t)))];
      let p = [0, 1, 2, 3, 4, 5].map((i) => tensor(inputs[`p${i}`]));
      let [m, v] = [p.map((w) => tf.zerosLike(w)), p.map((w) => tf.zerosLike(w))];
      const eye = tf.eye(x.shape[0]);
      const loss = (...p) => {
        const layer = (h, i) => tf.add(tf.matMul(h, p[2 * i]), p[2 * i + 1]);
        const h = layer(tf.relu(layer(tf.relu(layer(x, 0)), 1)), 2);
        const z = tf.div(h, tf.sqrt(tf.sum(tf.square(h), 1, true)));
        const logits = tf.mul(tf.matMul(z, targets), scale);
        const own = (l) => tf.sum(tf.mul(tf.logSoftmax(l), eye));
        return tf.mul(tf.add(own(logits), own(tf.transpose(logits))), -0.5 / t.shape[0]);
      };
      const slopes = tf.valueAndGrads(loss);
      let step = 0;
      return async () => {
        step++;
        const [value, next] = tf.tidy(() => {
          const { value, grads } = slopes(p);
          const [first, second] = [m.map((a, i) => tf.add(tf.mul(a, 0.9), tf.mul(grads[i], 0.1))), v.map((a, i) => tf.add(tf.mul(a, 0.999), tf.mul(tf.square(grads[i]), 0.001)))];
          const [c1, c2] = [lr / (1 - 0.9 ** step), 1 / (1 - 0.999 ** step)];
          const moved = p.map((w, i) => tf.sub(w, tf.div(tf.mul(first[i], c1), tf.add(tf.sqrt(tf.mul(second[i], c2)), 1e-8))));
          return [value, [moved, first, second]];
        });
        tf.dispose([p, m, v]);
        [p, m, v] = next;
        const data = await value.data();
        value.dispose();
        return data;
      };
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
