//! The model drawn as an espalier: one stem, a tier a block, attention arms to the left and feed-forward arms to the right, to scale.

use espalier_lab::protocol::Summary;
use espalier_nets::checkpoint::Role;
use yew::prelude::*;

use crate::app::roles;

/// A piece of an arm: the weights of one role in one block.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Role.
    pub role: Role,
    /// Belongs to experts.
    pub expert: bool,
    /// Weights.
    pub weights: f64,
    /// Share of it that is kept.
    pub kept: f64,
    /// Experts it stands for, each drawn as a pin; 0 for none.
    pub experts: u32,
}

/// One tier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tier {
    /// Block.
    pub block: u32,
    /// From the stem outwards.
    pub left: Vec<Piece>,
    /// From the stem outwards.
    pub right: Vec<Piece>,
}

/// Tiers of a checkpoint. `kept` says for a matrix (index into `summary.matrices`) what share of it stays.
pub fn tiers(summary: &Summary, kept: impl Fn(usize) -> f64) -> Vec<Tier> {
    let count = summary.matrices.iter().filter_map(|m| m.block).max().map_or(0, |b| b + 1);
    let mut tiers: Vec<Tier> = (0..count).map(|block| Tier { block, ..Tier::default() }).collect();
    for (i, m) in summary.matrices.iter().enumerate() {
        let Some(tier) = m.block.and_then(|b| tiers.get_mut(b as usize)) else { continue };
        // Of a block's convolutions the first stands to the left: both limbs grow from the same stem.
        let left = roles::round(m.role) || m.role == Role::Conv && tier.left.is_empty();
        let arm = if left { &mut tier.left } else { &mut tier.right };
        let weights = m.shape[0] as f64 * m.shape[1] as f64;
        let expert = m.expert.is_some();
        let first = u32::from(expert && matches!(m.role, Role::Up | Role::GateUp));
        match arm.iter_mut().find(|p| p.expert == expert && (expert || p.role == m.role)) {
            Some(p) => {
                p.kept = (p.kept * p.weights + kept(i) * weights) / (p.weights + weights).max(1.0);
                p.weights += weights;
                p.experts += first;
            }
            None => arm.push(Piece { role: m.role, expert, weights, kept: kept(i), experts: first }),
        }
    }
    // The experts are at the tips, whatever the order of the file.
    let order = [Role::Q, Role::K, Role::V, Role::O, Role::Gate, Role::Up, Role::Down, Role::Router];
    let place = |p: &Piece| (p.expert, order.iter().position(|r| *r == p.role).unwrap_or(0));
    for tier in &mut tiers {
        espalier_methods::order::by(&mut tier.left, |a, b| place(a).cmp(&place(b)));
        espalier_methods::order::by(&mut tier.right, |a, b| place(a).cmp(&place(b)));
    }
    tiers
}

/// Properties of [`Tree`].
#[derive(Clone, PartialEq, Properties)]
pub struct TreeProps {
    /// Tiers from the root up.
    pub tiers: Vec<Tier>,
    /// Size in pixels.
    pub size: [f64; 2],
    /// Numbers the tiers and marks the chosen one.
    #[prop_or_default]
    pub numbered: bool,
    /// Chosen block.
    #[prop_or_default]
    pub on: Option<u32>,
    /// A tier was chosen.
    #[prop_or_default]
    pub select: Option<Callback<u32>>,
    /// What is seen, for those who do not see it.
    pub label: AttrValue,
}

/// The tree.
#[component]
pub fn Tree(props: &TreeProps) -> Html {
    let [w, h] = props.size;
    let n = props.tiers.len().max(1) as f64;
    let margin = if props.numbered { 24.0 } else { 8.0 };
    let sum = |arm: &[Piece]| arm.iter().map(|p| p.weights).sum::<f64>();
    let widest = |side: fn(&Tier) -> &[Piece]| props.tiers.iter().map(|t| sum(side(t))).fold(0.0, f64::max);
    let (left, right) = (widest(|t| &t.left), widest(|t| &t.right));
    let unit = (w - margin - 14.0) / (left + right).max(1.0);
    let stem = margin + left * unit;
    let (foot, step) = (h - 12.0, (h - 24.0) / n);
    let stride = (14.0 / step).ceil().max(1.0) as u32;
    html! {
        <svg width={w.to_string()} height={h.to_string()} viewBox={format!("0 0 {w} {h}")} role="img" aria-label={props.label.clone()}>
            <path d={format!("M{:.1} {foot}L{:.1} 4L{:.1} 4L{:.1} {foot}Z", stem - 2.0, stem - 0.8, stem + 0.8, stem + 2.0)} fill="var(--ink-2)" />
            <path d={format!("M{stem:.1} {foot}q-1 6-9 8M{stem:.1} {foot}q1 7 8 9M{stem:.1} {foot}v8")} fill="none" stroke="var(--ink-2)" stroke-width="1.2" />
            { for props.tiers.iter().map(|t| tier(props, t, foot - step * (f64::from(t.block) + 0.62), stem, unit, step, stride)) }
        </svg>
    }
}

fn tier(props: &TreeProps, t: &Tier, y: f64, stem: f64, unit: f64, step: f64, stride: u32) -> Html {
    let w = props.size[0];
    let on = props.on == Some(t.block);
    let thick = (step * 0.45).clamp(1.2, 3.4);
    let onclick = props.select.clone().map(|select| {
        let block = t.block;
        Callback::from(move |_: MouseEvent| select.emit(block))
    });
    let class = props.select.is_some().then_some("tier");
    html! {
        <g {class} onclick={onclick} data-block={t.block.to_string()}>
            if !props.numbered {
                <line class="wire" x1="2" x2={(w - 2.0).to_string()} y1={(y.round() + 0.5).to_string()} y2={(y.round() + 0.5).to_string()} />
            } else {
                <rect x="0" y={(y - step / 2.0).to_string()} width={w.to_string()} height={step.to_string()} fill="transparent" />
                <line class="wire" x1="22" x2={(w - 8.0).to_string()} y1={(y.round() + 0.5).to_string()} y2={(y.round() + 0.5).to_string()} />
                if on || t.block.is_multiple_of(stride) {
                    <text x="18" y={format!("{:.1}", y + 3.6)} text-anchor="end" class={if on { "ik b" } else { "" }}>{ t.block }</text>
                }
                if on { <path d={format!("M{:.1} {:.1}l-6 4 6 4Z", w - 1.0, y - 4.0)} fill="var(--leaf)" /> }
            }
            { arm(&t.left, y, stem, -1.0, unit, thick, step) }
            { arm(&t.right, y, stem, 1.0, unit, thick, step) }
        </g>
    }
}

/// Experts as pins side by side; where there is no room for all of them, as many as there is room for.
fn pins(p: &Piece, [from, to]: [f64; 2], y: f64, step: f64) -> Html {
    let width = (to - from).abs();
    let n = f64::from(p.experts).max(1.0).min((width / 4.0).floor().max(1.0));
    let height = (step * 0.4).clamp(3.0, 9.0);
    let xs: Vec<f64> = (0..n as u32).map(|i| from + (to - from) * (f64::from(i) + 0.5) / n).collect();
    let stems: String = xs.iter().map(|x| format!("M{x:.1} {y:.1}v-{height:.1}")).collect();
    html! {
        <g stroke="var(--expert)" fill="var(--expert)">
            <path d={format!("M{from:.1} {y:.1}H{to:.1}{stems}")} fill="none" stroke-width="1.4" />
            { for xs.iter().map(|x| html! { <circle cx={format!("{x:.1}")} cy={format!("{:.1}", y - height)} r="1.6" stroke="none" /> }) }
        </g>
    }
}

/// One arm: pieces end to end; what is cut away leaves its wire, and the cut its mark.
fn arm(pieces: &[Piece], y: f64, stem: f64, side: f64, unit: f64, thick: f64, step: f64) -> Html {
    let bend = (step * 0.5).min(6.0);
    let total: f64 = pieces.iter().map(|p| p.weights * unit).sum();
    let mut x = stem;
    let mut drawn = Vec::new();
    for (i, p) in pieces.iter().enumerate() {
        let width = p.weights * p.kept.clamp(0.0, 1.0) * unit;
        let end = x + side * width;
        let d = if i == 0 {
            let turn = bend.min(width.max(0.1));
            format!("M{stem:.1} {:.1}Q{stem:.1} {y:.1} {:.1} {y:.1}H{:.1}", y + turn, stem + side * turn, end - side * 0.7)
        } else {
            format!("M{:.1} {y:.1}H{:.1}", x + side * 0.7, end - side * 0.7)
        };
        if p.expert && width > 3.0 {
            drawn.push(pins(p, [x, end], y, step));
        } else if width > 0.4 {
            drawn.push(html! { <path {d} fill="none" stroke={roles::color(p.role, p.expert)} stroke-width={thick.to_string()} /> });
        }
        x = end;
    }
    let tip = stem + side * total;
    let cut = (tip - x).abs() > 1.0;
    html! {
        <>
            if cut { <path d={format!("M{x:.1} {y:.1}H{tip:.1}")} stroke="var(--edge)" stroke-dasharray="1 2" fill="none" /> }
            { for drawn }
            if cut { <path d={format!("M{:.1} {:.1}l2.6-6.8", x - 1.3, y + 3.4)} stroke="var(--cut)" stroke-width="1.3" /> }
        </>
    }
}

#[cfg(test)]
mod tests {
    use espalier_lab::protocol::Summary;
    use espalier_nets::checkpoint::{Family, MatrixRef};

    use super::*;

    fn summary(matrices: Vec<MatrixRef>) -> Summary {
        Summary {
            name: "m".into(),
            family: Family::Qwen2Moe,
            architecture: String::new(),
            blocks: 1,
            bytes: 0.0,
            header_bytes: 0.0,
            files: vec![],
            tensors: vec![],
            matrices,
            config: vec![],
            metadata: vec![],
            notes: vec![],
            header_hash: String::new(),
            address: None,
        }
    }

    fn matrix(role: Role, block: Option<u32>, expert: Option<u32>, shape: [u64; 2]) -> MatrixRef {
        MatrixRef { tensor: 0, name: String::new(), slice: None, shape, role, block, expert, shared: false, transposed: false, prunable: true }
    }

    #[test]
    fn attention_grows_to_the_left_and_experts_at_the_tip() {
        let mut all = vec![matrix(Role::Embedding, None, None, [100, 4])];
        for e in 0..3 {
            all.extend([Role::Gate, Role::Up, Role::Down].map(|r| matrix(r, Some(0), Some(e), [2, 4])));
        }
        all.extend([matrix(Role::Router, Some(0), None, [3, 4]), matrix(Role::Q, Some(0), None, [4, 4]), matrix(Role::Up, Some(0), None, [8, 4])]);
        let t = tiers(&summary(all), |i| if i == 1 { 0.5 } else { 1.0 });
        assert_eq!(t.len(), 1);
        assert_eq!(t[0].left.iter().map(|p| p.role).collect::<Vec<_>>(), [Role::Q]);
        let right: Vec<(bool, u32, f64)> = t[0].right.iter().map(|p| (p.expert, p.experts, p.weights)).collect();
        assert_eq!(right, [(false, 0, 32.0), (false, 0, 12.0), (true, 3, 72.0)]);
        // Half of one of nine equal matrices is gone.
        assert!((t[0].right[2].kept - (1.0 - 0.5 / 9.0)).abs() < 1e-12);
    }

    #[test]
    fn convolutions_of_a_block_stand_on_both_sides() {
        let t = tiers(&summary(vec![matrix(Role::Conv, Some(0), None, [16, 27]), matrix(Role::Conv, Some(0), None, [16, 144])]), |_| 1.0);
        assert_eq!((t[0].left[0].weights, t[0].right[0].weights), (432.0, 2304.0));
    }
}
