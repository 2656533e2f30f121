"""Writes golden logits of small random models: weights in float16, logits computed here in float64 with NumPy.

An implementation of its own, from the published modelling code's formulas, that shares nothing with the product. Run it in this folder:
`python3 make.py` (needs numpy and safetensors). Same seeds, same files.
"""

import json
import math

import numpy as np
from safetensors.numpy import save_file

HIDDEN, HEADS, KV, HEAD, WIDTH, WORDS, LAYERS = 16, 4, 2, 4, 24, 20, 2
rng = np.random.default_rng(20)


def weight(*shape, scale=0.5):
    return (rng.standard_normal(shape) * scale).astype(np.float16)


def around_one(n):
    return (1 + 0.2 * rng.standard_normal(n)).astype(np.float16)


def rms(x, w, eps):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * w


def layer(x, w, b, eps):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) * w + b


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_new(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def inverse_frequencies(dim, base, s, length, context):
    kind = s.get("rope_type", s.get("type", "default"))
    plain = np.array([base ** (-i / dim) for i in range(0, dim, 2)])
    if kind == "default":
        return plain, 1.0
    factor = s["factor"]
    if kind == "linear":
        return plain / factor, 1.0
    if kind == "dynamic":
        n = max(length, context)
        base = base * ((factor * n / context) - (factor - 1)) ** (dim / (dim - 2))
        return np.array([base ** (-i / dim) for i in range(0, dim, 2)]), 1.0
    old = s["original_max_position_embeddings"]
    if kind == "llama3":
        low, high = s["low_freq_factor"], s["high_freq_factor"]
        out = []
        for f in plain:
            wave = 2 * math.pi / f
            if wave > old / low:
                out.append(f / factor)
            elif wave < old / high:
                out.append(f)
            else:
                t = (old / wave - low) / (high - low)
                out.append((1 - t) * f / factor + t * f)
        return np.array(out), 1.0
    if kind == "yarn":
        def dimension(turns):
            return dim * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(base))

        low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), dim - 1)
        if low == high:
            high += 0.001
        ramp = np.clip((np.arange(dim // 2) - low) / (high - low), 0, 1)
        return plain / factor * ramp + plain * (1 - ramp), 0.1 * math.log(factor) + 1
    raise ValueError(kind)


def rotate(x, angles, factor):
    """x [T, heads, head]; pairs (i, i + half) of the first dimensions."""
    half = angles.shape[1]
    cos, sin = np.cos(angles)[:, None] * factor, np.sin(angles)[:, None] * factor
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], -1)


def attention(q, k, v, causal=True, window=None):
    """q [T, heads, head], k and v [T, kv, head]."""
    n, heads, head = q.shape
    k, v = (np.repeat(t, heads // t.shape[1], axis=1) for t in (k, v))
    scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(head)
    i, j = np.arange(n)[:, None], np.arange(n)[None]
    seen = j <= i if causal else np.full((n, n), True)
    if window:
        seen &= j > i - window
    return np.einsum("hij,jhd->ihd", softmax(np.where(seen, scores, -1e300)), v).reshape(n, -1)


def llama(w, c, ids):
    w = {k: t.astype(np.float64) for k, t in w.items()}
    heads, kv, eps = c["num_attention_heads"], c["num_key_value_heads"], c["rms_norm_eps"]
    head = c.get("head_dim", c["hidden_size"] // heads)
    s = c.get("rope_parameters") or c.get("rope_scaling") or {}
    base = s.get("rope_theta", c.get("rope_theta", 10000.0))
    freq, factor = inverse_frequencies(head, base, s, len(ids), c["max_position_embeddings"])
    angles = np.arange(len(ids))[:, None] * freq[None]
    x = w["model.embed_tokens.weight"][ids]

    def linear(name, y):
        out = y @ w[name + ".weight"].T
        return out + w[name + ".bias"] if name + ".bias" in w else out

    for l in range(c["num_hidden_layers"]):
        p = f"model.layers.{l}."
        y = rms(x, w[p + "input_layernorm.weight"], eps)
        q, k, v = (linear(p + f"self_attn.{t}_proj", y) for t in "qkv")
        if c["model_type"] == "olmoe":
            q, k = rms(q, w[p + "self_attn.q_norm.weight"], eps), rms(k, w[p + "self_attn.k_norm.weight"], eps)
        q, k, v = q.reshape(-1, heads, head), k.reshape(-1, kv, head), v.reshape(-1, kv, head)
        if c["model_type"] == "qwen3":
            q, k = rms(q, w[p + "self_attn.q_norm.weight"], eps), rms(k, w[p + "self_attn.k_norm.weight"], eps)
        window = None
        if c["model_type"] == "mistral":
            window = c.get("sliding_window")
        if c["model_type"] == "qwen2" and c.get("use_sliding_window") and l >= c["max_window_layers"]:
            window = c["sliding_window"]
        y = attention(rotate(q, angles, factor), rotate(k, angles, factor), v, window=window)
        x = x + linear(p + "self_attn.o_proj", y)
        y = rms(x, w[p + "post_attention_layernorm.weight"], eps)
        x = x + (experts(w, c, p, y) if "num_experts_per_tok" in c else linear(p + "mlp.down_proj", silu(linear(p + "mlp.gate_proj", y)) * linear(p + "mlp.up_proj", y)))
    x = rms(x, w["model.norm.weight"], eps)
    return x @ w["model.embed_tokens.weight" if c.get("tie_word_embeddings") else "lm_head.weight"].T


def experts(w, c, p, y):
    mixtral = c["model_type"] == "mixtral"
    router = w[p + ("block_sparse_moe.gate.weight" if mixtral else "mlp.gate.weight")]
    shares = softmax(y @ router.T)
    out = np.zeros_like(y)
    for t in range(len(y)):
        chosen = np.argsort(-shares[t], kind="stable")[: c["num_experts_per_tok"]]
        g = shares[t][chosen]
        if mixtral or c.get("norm_topk_prob"):
            g = g / g.sum()
        for weight_of, e in zip(g, chosen):
            if mixtral:
                q = p + f"block_sparse_moe.experts.{e}."
                gate, up, down = (w[q + n + ".weight"] for n in ("w1", "w3", "w2"))
            else:
                both, down = w[p + "mlp.experts.gate_up_proj"][e], w[p + "mlp.experts.down_proj"][e]
                gate, up = both[: len(both) // 2], both[len(both) // 2 :]
            out[t] += weight_of * (down @ (silu(gate @ y[t]) * (up @ y[t])))
    return out


def gpt2(w, c, ids):
    w = {k: t.astype(np.float64) for k, t in w.items()}
    eps, heads, h = c["layer_norm_epsilon"], c["n_head"], c["n_embd"]
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: len(ids)]
    norm = lambda name, y: layer(y, w[name + ".weight"], w[name + ".bias"], eps)
    conv = lambda name, y: y @ w[name + ".weight"] + w[name + ".bias"]
    for l in range(c["n_layer"]):
        p = f"transformer.h.{l}."
        q, k, v = (t.reshape(len(ids), heads, -1) for t in np.split(conv(p + "attn.c_attn", norm(p + "ln_1", x)), 3, -1))
        x = x + conv(p + "attn.c_proj", attention(q, k, v))
        x = x + conv(p + "mlp.c_proj", gelu_new(conv(p + "mlp.c_fc", norm(p + "ln_2", x))))
    return norm("transformer.ln_f", x) @ w["transformer.wte.weight"].T


def neox(w, c, ids):
    w = {k: t.astype(np.float64) for k, t in w.items()}
    eps, heads, head = c["layer_norm_eps"], c["num_attention_heads"], c["hidden_size"] // c["num_attention_heads"]
    turned = int(head * c["rotary_pct"])
    freq, _ = inverse_frequencies(turned, c["rotary_emb_base"], {}, len(ids), c["max_position_embeddings"])
    angles = np.arange(len(ids))[:, None] * freq[None]
    x = w["gpt_neox.embed_in.weight"][ids]
    norm = lambda name, y: layer(y, w[name + ".weight"], w[name + ".bias"], eps)
    linear = lambda name, y: y @ w[name + ".weight"].T + w[name + ".bias"]
    for l in range(c["num_hidden_layers"]):
        p = f"gpt_neox.layers.{l}."
        qkv = linear(p + "attention.query_key_value", norm(p + "input_layernorm", x)).reshape(len(ids), heads, 3 * head)
        q, k, v = qkv[..., :head], qkv[..., head : 2 * head], qkv[..., 2 * head :]
        a = linear(p + "attention.dense", attention(rotate(q, angles, 1), rotate(k, angles, 1), v))
        mlp = lambda y: linear(p + "mlp.dense_4h_to_h", gelu(linear(p + "mlp.dense_h_to_4h", norm(p + "post_attention_layernorm", y))))
        if c["use_parallel_residual"]:
            x = x + a + mlp(x)
        else:
            x = x + a
            x = x + mlp(x)
    return norm("gpt_neox.final_layer_norm", x) @ w["embed_out.weight"].T


def bert(w, c, ids):
    w = {k: t.astype(np.float64) for k, t in w.items()}
    eps, heads = c["layer_norm_eps"], c["num_attention_heads"]
    norm = lambda name, y: layer(y, w[name + ".weight"], w[name + ".bias"], eps)
    linear = lambda name, y: y @ w[name + ".weight"].T + w[name + ".bias"]
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)] + w[e + "token_type_embeddings.weight"][0]
    x = norm(e + "LayerNorm", x)
    for l in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{l}."
        q, k, v = (linear(p + f"attention.self.{n}", x).reshape(len(ids), heads, -1) for n in ("query", "key", "value"))
        x = norm(p + "attention.output.LayerNorm", x + linear(p + "attention.output.dense", attention(q, k, v, causal=False)))
        x = norm(p + "output.LayerNorm", x + linear(p + "output.dense", gelu(linear(p + "intermediate.dense", x))))
    return x


def llama_weights(biases=(), qk=None, moe=None, tied=False):
    w = {"model.embed_tokens.weight": weight(WORDS, HIDDEN, scale=1.0), "model.norm.weight": around_one(HIDDEN)}
    if not tied:
        w["lm_head.weight"] = weight(WORDS, HIDDEN)
    for l in range(LAYERS):
        p = f"model.layers.{l}."
        for n, out, inner in (("q", HEADS * HEAD, HIDDEN), ("k", KV * HEAD, HIDDEN), ("v", KV * HEAD, HIDDEN), ("o", HIDDEN, HEADS * HEAD)):
            w[p + f"self_attn.{n}_proj.weight"] = weight(out, inner)
            if n in biases:
                w[p + f"self_attn.{n}_proj.bias"] = weight(out)
        for n in ("input_layernorm", "post_attention_layernorm"):
            w[p + n + ".weight"] = around_one(HIDDEN)
        if qk:
            w[p + "self_attn.q_norm.weight"], w[p + "self_attn.k_norm.weight"] = around_one(qk[0]), around_one(qk[1])
        if moe == "mixtral":
            w[p + "block_sparse_moe.gate.weight"] = weight(4, HIDDEN)
            for e in range(4):
                q = p + f"block_sparse_moe.experts.{e}."
                w[q + "w1.weight"], w[q + "w3.weight"], w[q + "w2.weight"] = weight(8, HIDDEN), weight(8, HIDDEN), weight(HIDDEN, 8)
        elif moe == "fused":
            w[p + "mlp.gate.weight"] = weight(4, HIDDEN)
            w[p + "mlp.experts.gate_up_proj"], w[p + "mlp.experts.down_proj"] = weight(4, 16, HIDDEN), weight(4, HIDDEN, 8)
        else:
            for n, out, inner in (("gate", WIDTH, HIDDEN), ("up", WIDTH, HIDDEN), ("down", HIDDEN, WIDTH)):
                w[p + f"mlp.{n}_proj.weight"] = weight(out, inner)
                if "mlp" in biases:
                    w[p + f"mlp.{n}_proj.bias"] = weight(out)
    return w


def base(kind, arch, **more):
    return dict(model_type=kind, architectures=[arch], hidden_size=HIDDEN, intermediate_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                num_key_value_heads=KV, vocab_size=WORDS, max_position_embeddings=8, rms_norm_eps=1e-5, hidden_act="silu", tie_word_embeddings=False, **more)


def main():
    ids = [3, 17, 0, 5, 5, 19, 8, 2, 11, 7, 14]
    cases, golden, files = [], {"ids": np.array(ids, np.int32)}, {}

    def case(name, file, weights, config, forward):
        files[file] = weights
        golden[name] = forward(weights, config, ids)
        cases.append(dict(name=name, weights=file, config=config))

    plain = llama_weights()
    l = lambda **k: base("llama", "LlamaForCausalLM", **k)
    case("llama", "llama", plain, l(rope_theta=10000.0, rope_scaling=None, torch_dtype="float16"), llama)
    case("llama new dialect", "llama", plain, l(rope_parameters=dict(rope_theta=500.0, rope_type="default"), dtype="float16"), llama)
    case("llama linear", "llama", plain, l(rope_theta=100.0, rope_scaling=dict(type="linear", factor=4.0)), llama)
    case("llama dynamic", "llama", plain, l(rope_theta=100.0, rope_scaling=dict(rope_type="dynamic", factor=2.0)), llama)
    case("llama llama3", "llama", plain, l(rope_theta=100.0, rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)), llama)
    case("llama yarn", "llama", plain, l(rope_parameters=dict(rope_theta=100.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=64)), llama)
    case("mistral window", "llama", plain, base("mistral", "MistralForCausalLM", sliding_window=3, rope_theta=10000.0), llama)
    case("llama tied with biases", "biased", llama_weights(("q", "k", "v", "o", "mlp"), tied=True), dict(l(), tie_word_embeddings=True, attention_bias=True, mlp_bias=True), llama)
    qwen = base("qwen2", "Qwen2ForCausalLM", use_sliding_window=True, sliding_window=4, max_window_layers=1, rope_theta=1000.0)
    case("qwen2", "qwen2", llama_weights(("q", "k", "v")), qwen, llama)
    case("qwen3", "qwen3", llama_weights(qk=(HEAD, HEAD)), base("qwen3", "Qwen3ForCausalLM", head_dim=HEAD), llama)
    case("mixtral", "mixtral", llama_weights(moe="mixtral"), base("mixtral", "MixtralForCausalLM", num_local_experts=4, num_experts_per_tok=2, rope_theta=1e6), llama)
    olmoe = dict(num_experts=4, num_experts_per_tok=2)
    fused = llama_weights(qk=(HEADS * HEAD, KV * HEAD), moe="fused")
    case("olmoe", "olmoe", fused, base("olmoe", "OlmoeForCausalLM", norm_topk_prob=False, **olmoe), llama)
    case("olmoe normalised", "olmoe", fused, base("olmoe", "OlmoeForCausalLM", norm_topk_prob=True, **olmoe), llama)

    w = {"transformer.wte.weight": weight(WORDS, HIDDEN), "transformer.wpe.weight": weight(16, HIDDEN), "transformer.ln_f.weight": around_one(HIDDEN), "transformer.ln_f.bias": weight(HIDDEN)}
    for i in range(LAYERS):
        p = f"transformer.h.{i}."
        for n, inner, out in (("attn.c_attn", HIDDEN, 3 * HIDDEN), ("attn.c_proj", HIDDEN, HIDDEN), ("mlp.c_fc", HIDDEN, 4 * HIDDEN), ("mlp.c_proj", 4 * HIDDEN, HIDDEN)):
            w[p + n + ".weight"], w[p + n + ".bias"] = weight(inner, out), weight(out)
        for n in ("ln_1", "ln_2"):
            w[p + n + ".weight"], w[p + n + ".bias"] = around_one(HIDDEN), weight(HIDDEN)
    case("gpt2", "gpt2", w, dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=16, vocab_size=WORDS, layer_norm_epsilon=1e-5, activation_function="gelu_new"), gpt2)

    w = {"gpt_neox.embed_in.weight": weight(WORDS, HIDDEN), "embed_out.weight": weight(WORDS, HIDDEN), "gpt_neox.final_layer_norm.weight": around_one(HIDDEN), "gpt_neox.final_layer_norm.bias": weight(HIDDEN)}
    for i in range(LAYERS):
        p = f"gpt_neox.layers.{i}."
        for n, out, inner in (("attention.query_key_value", 3 * HIDDEN, HIDDEN), ("attention.dense", HIDDEN, HIDDEN), ("mlp.dense_h_to_4h", WIDTH, HIDDEN), ("mlp.dense_4h_to_h", HIDDEN, WIDTH)):
            w[p + n + ".weight"], w[p + n + ".bias"] = weight(out, inner), weight(out)
        for n in ("input_layernorm", "post_attention_layernorm"):
            w[p + n + ".weight"], w[p + n + ".bias"] = around_one(HIDDEN), weight(HIDDEN)
    for parallel in (True, False):
        c = dict(model_type="gpt_neox", architectures=["GPTNeoXForCausalLM"], hidden_size=HIDDEN, intermediate_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=2, vocab_size=WORDS,
                 max_position_embeddings=16, layer_norm_eps=1e-5, hidden_act="gelu", rotary_pct=0.5, rotary_emb_base=10000, use_parallel_residual=parallel, tie_word_embeddings=False)
        case(f"gpt_neox parallel {parallel}", "neox", w, c, neox)

    w = {"embeddings.word_embeddings.weight": weight(WORDS, HIDDEN), "embeddings.position_embeddings.weight": weight(16, HIDDEN), "embeddings.token_type_embeddings.weight": weight(2, HIDDEN),
         "embeddings.LayerNorm.weight": around_one(HIDDEN), "embeddings.LayerNorm.bias": weight(HIDDEN)}
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        for n, out, inner in (("attention.self.query", HIDDEN, HIDDEN), ("attention.self.key", HIDDEN, HIDDEN), ("attention.self.value", HIDDEN, HIDDEN), ("attention.output.dense", HIDDEN, HIDDEN),
                              ("intermediate.dense", WIDTH, HIDDEN), ("output.dense", HIDDEN, WIDTH)):
            w[p + n + ".weight"], w[p + n + ".bias"] = weight(out, inner), weight(out)
        for n in ("attention.output.LayerNorm", "output.LayerNorm"):
            w[p + n + ".weight"], w[p + n + ".bias"] = around_one(HIDDEN), weight(HIDDEN)
    case("bert", "bert", w, dict(model_type="bert", architectures=["BertModel"], hidden_size=HIDDEN, intermediate_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, vocab_size=WORDS,
                                 max_position_embeddings=16, layer_norm_eps=1e-12, hidden_act="gelu"), bert)

    for name, weights in files.items():
        save_file(weights, f"{name}.safetensors")
    save_file({k: (v if k == "ids" else v.astype(np.float32)) for k, v in golden.items()}, "golden.safetensors")
    with open("cases.json", "w") as f:
        json.dump(cases, f, indent=1)
        f.write("\n")


main()
