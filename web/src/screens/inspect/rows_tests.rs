use espalier_lab::protocol::Summary;
use espalier_methods::report::{Spectrum, Tail};
use espalier_nets::checkpoint::{Family, MatrixRef, Role};

use super::super::filter::Filter;
use super::super::filter::tests::row;
use super::*;

fn model() -> Summary {
    let mut tensors = vec![
        row("model.embed_tokens.weight", Role::Embedding, None, &[512.0, 160.0]),
        row("model.layers.0.input_layernorm.weight", Role::Norm, Some(0), &[160.0]),
        row("model.layers.0.self_attn.q_proj.weight", Role::Q, Some(0), &[160.0, 160.0]),
        row("model.layers.0.mlp.experts.0.up_proj.weight", Role::Up, Some(0), &[64.0, 160.0]),
        row("model.layers.0.mlp.experts.1.up_proj.weight", Role::Up, Some(0), &[64.0, 160.0]),
        row("model.layers.1.self_attn.q_proj.weight", Role::Q, Some(1), &[160.0, 160.0]),
        row("model.layers.1.self_attn.k_proj.weight", Role::K, Some(1), &[80.0, 160.0]),
        row("lm_head.weight", Role::Head, None, &[512.0, 160.0]),
    ];
    tensors[3].expert = Some(0);
    tensors[4].expert = Some(1);
    let matrices = tensors.iter().enumerate().filter(|(_, t)| t.shape.len() == 2).map(|(i, t)| MatrixRef {
        tensor: i,
        name: t.name.clone(),
        slice: None,
        shape: [t.shape[0] as u64, t.shape[1] as u64],
        role: t.role,
        block: t.block,
        expert: t.expert,
        shared: false,
        transposed: false,
        prunable: t.block.is_some(),
    });
    Summary {
        name: "m".into(),
        family: Family::Llama,
        architecture: String::new(),
        blocks: 2,
        bytes: 0.0,
        header_bytes: 0.0,
        files: vec![],
        matrices: matrices.collect(),
        tensors,
        config: vec![],
        metadata: vec![],
        notes: vec![],
        header_hash: String::new(),
        address: None,
    }
}

fn spectrum(stable_rank: f64) -> std::rc::Rc<Spectrum> {
    Spectrum {
        tensor: String::new(),
        slice: None,
        shape: [2, 2],
        values: vec![2.0, 1.0].into(),
        floor: 0.0,
        route: String::new(),
        stable_rank,
        effective_rank: 1.0,
        numerical_rank: 2,
        energy_ranks: [1, 1, 2],
        nuclear: 3.0,
        frobenius: 2.2,
        tail: Tail::TooFew { count: 2 },
        random_edge: 1.0,
    }
    .into()
}

fn names(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|r| r.name.as_str()).collect()
}

#[test]
fn the_tree_is_by_block_and_sums_what_is_closed() {
    let m = model();
    let r = rows(&m, &Default::default(), &Filter::default(), &View::default());
    assert_eq!(names(&r), ["embed_tokens", "layers.0", "layers.1", "lm_head"]);
    assert_eq!(r[1].elements, 160.0 + 25_600.0 + 2.0 * 10_240.0);
    assert!((r.iter().map(|r| r.share).sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(r[1].known, Known::Waiting);
}

#[test]
fn an_open_block_shows_its_tensors_and_its_experts_as_one() {
    let m = model();
    let mut view = View { open: [Branch::Block(0)].into(), ..View::default() };
    let r = rows(&m, &Default::default(), &Filter::default(), &view);
    assert_eq!(names(&r), ["embed_tokens", "layers.0", "input_layernorm", "self_attn.q_proj", "mlp.experts", "layers.1", "lm_head"]);
    assert_eq!(r[2].known, Known::Nothing);
    view.open.insert(Branch::Experts(0));
    let r = rows(&m, &Default::default(), &Filter::default(), &view);
    assert_eq!(names(&r)[4..7], ["mlp.experts", "0.up_proj", "1.up_proj"]);
    assert_eq!(r[5].depth, 2);
}

#[test]
fn a_filter_opens_what_it_finds() {
    let m = model();
    let r = rows(&m, &Default::default(), &Filter::read("k_proj"), &View::default());
    assert_eq!(r.len(), 2);
    assert_eq!(r[1].kind, Kind::Tensor(6));
}

#[test]
fn the_flat_list_sorts_and_keeps_the_unknown_last() {
    let m = model();
    let mut spectra = ByKey::new();
    spectra.insert(key("model.layers.0.self_attn.q_proj.weight", None), spectrum(9.0));
    spectra.insert(key("lm_head.weight", None), spectrum(4.0));
    for (down, want) in [(false, [7, 2]), (true, [2, 7])] {
        let view = View { flat: true, column: Column::Rank, down, ..View::default() };
        let r = rows(&m, &spectra, &Filter::default(), &view);
        assert_eq!(r.len(), 8);
        assert_eq!([r[0].kind, r[1].kind], want.map(Kind::Tensor));
    }
    let view = View { flat: true, column: Column::Elements, down: true, ..View::default() };
    let r = rows(&m, &spectra, &Filter::default(), &view);
    assert!(r.windows(2).all(|w| w[0].elements >= w[1].elements));
}

#[test]
fn a_block_is_known_when_all_its_matrices_are() {
    let m = model();
    let mut spectra = ByKey::new();
    spectra.insert(key("model.layers.1.self_attn.q_proj.weight", None), spectrum(9.0));
    let known = |s: &ByKey<Spectrum>| rows(&m, s, &Filter::default(), &View::default())[2].known;
    assert_eq!(known(&spectra), Known::Waiting);
    spectra.insert(key("model.layers.1.self_attn.k_proj.weight", None), spectrum(5.0));
    assert_eq!(known(&spectra), Known::Rank(7.0));
}

#[test]
fn prefixes_end_at_a_point() {
    assert_eq!(shared(["a.b.c", "a.bd.c"].into_iter()), "a");
    assert_eq!(shared(["a.b.c"].into_iter()), "a.b");
    assert_eq!(shared(["ab", "ab.c"].into_iter()), "");
    assert_eq!(short("model.norm.weight", "model"), "norm");
    assert_eq!(short("x", "x"), "x");
}
