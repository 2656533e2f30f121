// @jax-js/jax on `wasm` or `webgpu`. A use of an array consumes one reference; `.ref` adds one.
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { llama } from "./llama.js";

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
    step({ x, t, ...given }, { scale, lr }) {
      const [points, targets, eye] = [array(x), array(t), np.eye(x.shape[0])];
      const own = (logits) => np.sum(nn.logSoftmax(logits, 1).mul(eye.ref));
      const loss = (p) => {
        const layer = (h, i) => np.matmul(h, p[2 * i]).add(p[2 * i + 1]);
        const h = layer(nn.relu(layer(nn.relu(layer(points.ref, 0)), 1)), 2);
        const z = h.ref.div(np.sqrt(np.sum(np.square(h), 1, { keepdims: true })));
        const logits = np.matmul(z, np.transpose(targets.ref)).mul(scale);
        return own(logits.ref).add(own(np.transpose(logits))).mul(-0.5 / x.shape[0]);
      };
      const update = jit((p, m, v, c1, c2) => {
        const [value, grads] = valueAndGrad(loss)(p.map((w) => w.ref));
        const next = { p: [], m: [], v: [] };
        grads.forEach((g, i) => {
          const first = m[i].mul(0.9).add(g.ref.mul(0.1));
          const second = v[i].mul(0.999).add(np.square(g).mul(0.001));
          next.p.push(p[i].sub(first.ref.mul(c1.ref).div(np.sqrt(second.ref.mul(c2.ref)).add(1e-8))));
          next.m.push(first);
          next.v.push(second);
        });
        c1.dispose();
        c2.dispose();
        return { value, ...next };
      });
      let p = [0, 1, 2, 3, 4, 5].map((i) => array(given[`p${i}`]));
      let [m, v] = [p.map((w) => np.zeros(w.shape)), p.map((w) => np.zeros(w.shape))];
      let step = 0;
      return async () => {
        step++;
        const out = update(p, m, v, np.array(lr / (1 - 0.9 ** step)), np.array(1 / (1 - 0.999 ** step)));
        ({ p, m, v } = out);
        return out.value.data();
      };
    },
    // Compiled in parts: as a whole, or with softmax inside, it takes two to six times as long. Matrices as they lie are as fast as turned ones.
    forward(inputs) {
      const m = llama(inputs);
      const { windows, length, rows, heads, kv, head, epsilon } = m;
      const integers = (data, shape) => np.array(data, { dtype: np.int32 }).reshape(shape);
      const [tokens, next] = [integers(m.tokens, [rows]), integers(m.next, [rows, 1])];
      const all = (named) => Object.fromEntries(Object.entries(named).map(([name, w]) => [name, array(w)]));
      const { embed, last, out, cos, sin } = m;
      const weights = { ...all({ embed, last, out, cos, sin }), blocks: m.blocks.map(all) };
      const linear = jit((x, w) => np.matmul(x, np.transpose(w)));
      const norm = jit((x, w) => x.ref.mul(w).div(np.sqrt(np.mean(np.square(x), -1, { keepdims: true }).add(epsilon))));
      const gated = jit((gate, up) => nn.silu(gate).mul(up));
      const add = jit((a, b) => a.add(b));
      const turn = jit((x, cos, sin) => {
        const [a, b] = [x.ref.slice([], [], [], [0, head / 2]), x.slice([], [], [], [head / 2, head])];
        return np.concatenate([a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), b.mul(cos).add(a.mul(sin))], -1);
      });
      const nats = jit((logits, next) => {
        const said = np.takeAlongAxis(logits.ref, next, -1).reshape([rows]);
        return nn.logsumexp(logits, -1).sub(said);
      });
      const block = (x, w, cos, sin) => {
        const h = norm(x.ref, w.first);
        const part = (matrix, n) => linear(h.ref, matrix).reshape([windows, length, n, head]);
        const [q, k, v] = [part(w.q, heads), part(w.k, kv), part(w.v, kv)];
        h.dispose();
        const y = nn.dotProductAttention(turn(q, cos.ref, sin.ref), turn(k, cos, sin), v, { isCausal: true });
        const mixed = add(x, linear(y.reshape([rows, heads * head]), w.o));
        const inner = norm(mixed.ref, w.second);
        return add(mixed, linear(gated(linear(inner.ref, w.gate), linear(inner, w.up)), w.down));
      };
      return async () => {
        const w = tree.ref(weights);
        const x = w.blocks.reduce((x, b) => block(x, b, w.cos.ref, w.sin.ref), np.take(w.embed, tokens.ref, 0));
        tree.dispose([w.cos, w.sin]);
        return m.kept(await nats(linear(norm(x, w.last), w.out), next.ref).data());
      };
    },
  };
}
