"""A mixture of experts of which some layers were condensed to small dense ones (Condense-MoE, arXiv 2412.00069).

Written by Espalier beside the weights; needs VERSION:

    AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)

config.json says under "condensed_layers" which layers are dense and how wide. Their weights are ordinary
mlp.gate_proj, mlp.up_proj and mlp.down_proj with the experts' constant weights in down_proj; a gated shared expert stays beside them.
"""

from torch import nn
from transformers.activations import ACT2FN
BASE_IMPORT


class GatedMLP(nn.Module):
    """down(act(gate x) * up x)."""

    def __init__(self, hidden, width, act):
        super().__init__()
        self.gate_proj = nn.Linear(hidden, width, bias=False)
        self.up_proj = nn.Linear(hidden, width, bias=False)
        self.down_proj = nn.Linear(width, hidden, bias=False)
        self.act_fn = ACT2FN[act]

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class CondensedMLP(GatedMLP):
    """A condensed layer: every token meets the same experts, which are one dense feed-forward, and the shared expert behind its gate."""

    def __init__(self, hidden, width, shared, act):
        nn.Module.__init__(self)
        if width:
            GatedMLP.__init__(self, hidden, width, act)
        self.width = width
        if shared:
            self.shared_expert = GatedMLP(hidden, shared, act)
            self.shared_expert_gate = nn.Linear(hidden, 1, bias=False)
        self.shared = shared

    def forward(self, hidden_states, *args, **kwargs):
        y = GatedMLP.forward(self, hidden_states) if self.width else 0
        if self.shared:
            y = y + self.shared_expert_gate(hidden_states).sigmoid() * self.shared_expert(hidden_states)
        return y


class CondensedForCausalLM(BASE):
    """BASE with the layers that config.condensed_layers names as dense ones."""

    def __init__(self, config):
        super().__init__(config)
        for layer, form in config.condensed_layers.items():
            mlp = CondensedMLP(config.hidden_size, form["width"], form["shared"], config.hidden_act)
            self.model.layers[int(layer)].mlp = mlp
        self.post_init()
