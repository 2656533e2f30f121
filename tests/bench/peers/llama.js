// What the peers need of a Llama checkpoint: its safetensors file read into float32 arrays, once, before anything is timed.
const half = (bits) => {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
};

// Gives tensors by name, as `{ data, shape }`.
function reader(file) {
  const header = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const entries = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + header)));
  return (name) => {
    const { dtype, shape, data_offsets: [from, to] } = entries[name];
    const bytes = file.slice(8 + header + from, 8 + header + to).buffer;
    if (dtype !== "F16") throw new Error(`no reader for ${dtype}`);
    return { data: Float32Array.from(new Uint16Array(bytes), half), shape };
  };
}

// Sizes, weights (matrices are [out, in]), tables and tokens of the model over windows of one length.
export function llama({ file, config, tokens: { data: tokens, shape: [windows, length] } }) {
  const c = JSON.parse(new TextDecoder().decode(config.data));
  const [heads, kv, words] = [c.num_attention_heads, c.num_key_value_heads, c.vocab_size];
  const [head, theta] = [c.head_dim ?? c.hidden_size / heads, c.rope_parameters.rope_theta];
  const tensor = reader(file.data);
  const block = (i) => {
    const at = (name) => tensor(`model.layers.${i}.${name}.weight`);
    return {
      first: at("input_layernorm"), q: at("self_attn.q_proj"), k: at("self_attn.k_proj"), v: at("self_attn.v_proj"), o: at("self_attn.o_proj"),
      second: at("post_attention_layernorm"), gate: at("mlp.gate_proj"), up: at("mlp.up_proj"), down: at("mlp.down_proj"),
    };
  };
  // rotate_half: dimension i turns with dimension i + head / 2.
  const angles = (f) => ({
    data: Float32Array.from({ length: length * head / 2 }, (_, at) => f(Math.floor(at / (head / 2)) * theta ** (-(at % (head / 2)) / (head / 2)))),
    shape: [length, 1, head / 2],
  });
  return {
    windows, length, rows: windows * length, heads, kv, head, words, epsilon: c.rms_norm_eps,
    embed: tensor("model.embed_tokens.weight"), last: tensor("model.norm.weight"), out: tensor("lm_head.weight"),
    blocks: Array.from({ length: c.num_hidden_layers }, (_, i) => block(i)),
    cos: angles(Math.cos), sin: angles(Math.sin),
    causal: { data: Float32Array.from({ length: length * length }, (_, at) => (at % length > Math.floor(at / length) ? -1e9 : 0)), shape: [length, length] },
    tokens: Int32Array.from(tokens),
    // Each row's word is the next token; what the last row of a window predicts is left out of the result.
    next: Int32Array.from(tokens, (_, at) => tokens[at + 1] ?? 0),
    kept: (nats) => nats.filter((_, at) => at % length < length - 1),
  };
}

// A matrix [out, in] as [in, out].
export function turned({ data, shape: [rows, cols] }) {
  return { data: Float32Array.from(data, (_, at) => data[(at % rows) * cols + Math.floor(at / rows)]), shape: [cols, rows] };
}
