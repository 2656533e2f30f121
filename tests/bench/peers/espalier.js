// Espalier's own build, on its CPU twins, on WebGPU, and (for comparison) faer used plainly for the Gram route.
import init, * as lab from "/espalier/espalier_bench.js";

export async function create(option) {
  await init();
  const device = option === "gpu" ? await lab.Device.gpu() : lab.Device.cpu();
  const upload = ({ data, shape: [rows, cols] }) => device.upload(data, rows, cols);
  return {
    gemm(inputs, { form }) {
      const [a, b] = [upload(inputs.a), upload(inputs.b)];
      return () => device.product(form, a, b);
    },
    svd({ a: { data, shape: [rows, cols] } }) {
      const values = option === "plain" ? lab.plain_gram : lab.singular_values;
      return () => values(data, rows, cols);
    },
    select(inputs, { prune }) {
      const a = upload(inputs.a);
      return () => device.smallest_in_rows(a, prune);
    },
    step({ x, t, ...p }, { scale, lr }) {
      const weights = Float32Array.from([0, 1, 2, 3, 4, 5].flatMap((i) => Array.from(p[`p${i}`].data)));
      const training = device.train(x.data, t.data, weights, scale, lr);
      return () => training.step();
    },
    async forward({ file, config, tokens }) {
      const reading = await device.reading(file.data, config.data, tokens.data, tokens.shape[1]);
      return () => reading.nats();
    },
    spectra({ file }) {
      return () => lab.all_spectra(file.data);
    },
  };
}
