// TensorFlow.js on its wasm backend (XNNPACK). Its transpose flags leave the fast path, so both operands are turned round by hand.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { llama, turned } from "./llama.js";

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
    // Products of attention are batched: head by head on the fast path it takes two to four times as long. A factor that is spread over rows costs no more than a whole one.
    forward(inputs) {
      const m = llama(inputs);
      const { windows, length, rows, heads, kv, head } = m;
      const [embed, last, out] = [tensor(m.embed), tensor(m.last), tensor(turned(m.out))];
      const blocks = m.blocks.map((b) => Object.fromEntries(Object.entries(b).map(([name, w]) => [name, tensor(w.shape.length === 2 ? turned(w) : w)])));
      const [cos, sin] = tf.tidy(() => [tf.concat([tensor(m.cos), tensor(m.cos)], 2), tf.concat([tf.neg(tensor(m.sin)), tensor(m.sin)], 2)]);
      const [causal, scale, epsilon] = [tensor(m.causal), tf.scalar(head ** -0.5), tf.scalar(m.epsilon)];
      const tokens = tf.tensor1d(m.tokens, "int32");
      const said = tf.tensor1d(m.next.map((word, row) => row * m.words + word), "int32");
      const norm = (x, w) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon))), w);
      const turn = (x) => {
        const [a, b] = tf.split(x, 2, 3);
        return tf.add(tf.mul(x, cos), tf.mul(tf.concat([b, a], 3), sin));
      };
      const shared = (x) => (heads === kv ? x : tf.reshape(tf.tile(tf.reshape(x, [windows, length, kv, 1, head]), [1, 1, 1, heads / kv, 1]), [windows, length, heads, head]));
      const block = (x, w) => {
        const h = norm(x, w.first);
        const part = (matrix, n) => tf.reshape(tf.matMul(h, matrix), [windows, length, n, head]);
        const q = tf.transpose(turn(part(w.q, heads)), [0, 2, 1, 3]);
        const k = tf.transpose(shared(turn(part(w.k, kv))), [0, 2, 3, 1]);
        const v = tf.transpose(shared(part(w.v, kv)), [0, 2, 1, 3]);
        const seen = tf.softmax(tf.add(tf.mul(tf.matMul(q, k), scale), causal));
        const y = tf.transpose(tf.matMul(seen, v), [0, 2, 1, 3]);
        const mixed = tf.add(x, tf.matMul(tf.reshape(y, [rows, heads * head]), w.o));
        const inner = norm(mixed, w.second);
        const gate = tf.matMul(inner, w.gate);
        return tf.add(mixed, tf.matMul(tf.mul(tf.mul(gate, tf.sigmoid(gate)), tf.matMul(inner, w.up)), w.down));
      };
      const nats = () => {
        const x = blocks.reduce((x, w) => tf.tidy(() => block(x, w)), tf.gather(embed, tokens));
        const logits = tf.matMul(norm(x, last), out);
        return tf.sub(tf.logSumExp(logits, 1), tf.gather(tf.reshape(logits, [rows * m.words]), said));
      };
      return async () => m.kept(await read(nats));
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
