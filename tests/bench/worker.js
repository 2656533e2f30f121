// Runs one peer in a dedicated worker: fetches the inputs, checks the first result, then times repetitions. Time is taken around the
// library's own work, from inputs in its own form to a typed array here.
const ARRAYS = { u8: Uint8Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array };
const load = async (item, key, type) => new ARRAYS[type](await (await fetch(`/data/${item}.${key}.bin`)).arrayBuffer());

// Masks: how many entries differ. Else: the largest difference as a share of the largest value, group by group where there are several.
function compare({ kind, groups }, got, want) {
  if (got.length !== want.length) throw new Error(`${got.length} values instead of ${want.length}`);
  if (kind === "select") return want.reduce((wrong, value, i) => wrong + (got[i] !== value), 0);
  let error = 0, start = 0;
  for (const length of groups ?? [want.length]) {
    let worst = 0, scale = 0;
    for (let i = start; i < start + length; i++) {
      const off = Math.abs(got[i] - want[i]);
      if (!(off <= worst)) worst = off;
      scale = Math.max(scale, Math.abs(want[i]));
    }
    const share = worst === 0 ? 0 : worst / scale;
    if (!(share <= error)) error = share;
    start += length;
  }
  return error;
}

onmessage = async ({ data: { item, peer, option } }) => {
  try {
    const { create } = await import(`/peers/${peer}.js`);
    const library = await create(option);
    if (!library[item.kind]) throw new Error("not offered");
    const inputs = {};
    for (const [key, [type, ...shape]] of Object.entries(item.inputs)) inputs[key] = { data: await load(item.name, key, type), shape };
    const want = await load(item.name, "expected", item.expected);
    const run = await library[item.kind](inputs, item);
    const once = async () => {
      const start = performance.now();
      const output = await run();
      return { ms: performance.now() - start, output };
    };
    const first = await once();
    // A step moves on: its losses are compared one after the other.
    const outputs = [...first.output];
    while (item.kind === "step" && outputs.length < want.length) outputs.push(...(await once()).output);
    const error = item.kind === "step" ? Math.max(...outputs.map((loss, i) => Math.abs(loss - want[i]) / Math.abs(want[i]))) : compare(item, first.output, want);
    const times = [];
    if (first.ms > 10_000) times.push(first.ms);
    else {
      // The compiler of the browser works beside the first calls.
      let warm, spent = 0;
      for (let calls = 0; calls < 2 || (spent < 300 && calls < 20); calls++) spent += warm = (await once()).ms;
      // The clock ticks every 0.1 ms: short work is the mean of ten runs.
      const group = warm < 5 ? 10 : 1;
      const count = warm > 2000 ? 1 : warm > 300 ? 3 : 7;
      while (times.length < count) {
        let ms = 0;
        for (let j = 0; j < group; j++) ms += (await once()).ms;
        times.push(ms / group);
      }
    }
    postMessage({ times, first: first.ms, error });
  } catch (error) {
    postMessage({ failed: String(error?.message ?? error) });
  }
};
