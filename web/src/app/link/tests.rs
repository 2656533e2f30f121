use std::rc::Rc;

use espalier_lab::protocol::DeviceChoice;
use serde_json::json;

use super::*;
use crate::app::history::Gesture;
use crate::app::reduce::tests::summary;
use crate::app::state::{Allocation, PruneState, RankRule, RankState, Scope, Selection, State};
use crate::app::Action;

/// A state in which everything that a link carries differs from a fresh page.
fn rich() -> State {
    let mut s = State { summary: Some(Rc::new(summary())), seed: u64::MAX, choice: DeviceChoice::Cpu, place: Place::Prune, ..State::default() };
    s.source = Some(Target::Local { name: "két fa & co.safetensors".into(), size: 4_294_967_296.0, sha: "a41f09c2".repeat(8) });
    s.apply(Action::Select(Selection { tensor: Some(3), slice: None, block: Some(1) }));
    let rank = RankState { rule: RankRule::ByHand, threshold: 0.2, by_hand: [("0.up".into(), 3)].into(), ..RankState::default() };
    s.apply(Action::Rank(rank, Gesture::Step));
    let prune = PruneState {
        scope: Scope::NOfM { n: 2, m: 4 },
        allocation: Allocation::ByHand,
        sparsity: [("0.q".into(), 1.0 / 3.0), ("1.up".into(), 0.25)].into(),
        locked: ["1.up".into()].into(),
        official: true,
        ..PruneState::default()
    };
    s.apply(Action::Prune(prune, Gesture::Step));
    s.apply(Action::View("rank-spectra".into(), Some("m=1 z=0,1,0.5,2".into())));
    s.shown = Rc::new(vec![Asked { method: "spectra".into(), config: json!({}), matrices: Some(vec!["0.q".into(), "1.up".into()]), seed: 7 }]);
    s.lesson = Rc::new(Lesson { embed: true, hide: vec!["rank".into()], lock: vec!["prune-target".into()], task: "Cut 50 %, then look & say".into() });
    s
}

fn link_of(state: &State) -> String {
    write(state, 'j', packed::write(state).as_bytes())
}

#[test]
fn everything_comes_back_from_a_link() {
    let state = rich();
    let text = link_of(&state);
    assert!(text.is_ascii() && !text.contains(' '), "{text}");
    let link = Link::read(&format!("#{text}"));
    assert_eq!(link.notes, Vec::<String>::new());
    assert_eq!(link.place, Some(Place::Prune));
    assert_eq!(link.target, state.source);
    assert_eq!((link.seed, link.device), (Some(u64::MAX), Some(DeviceChoice::Cpu)));
    assert_eq!(link.tensor.as_deref(), Some("1.up"));
    assert_eq!(link.lesson, *state.lesson);
    let body = link.packed.expect("there is a packed part");
    assert_eq!(&body[..1], "j");
    let json = String::from_utf8(base64::decode(&body[1..]).expect("ours")).expect("text");
    let rest = packed::read(&json, &state).expect("ours");
    assert_eq!((&rest.edit.rank, &rest.edit.prune), (&state.edit.rank, &state.edit.prune));
    assert_eq!(rest.edit.selection.block, Some(1));
    assert_eq!((&rest.views, &rest.runs), (&state.views, &*state.shown));
}

#[test]
fn a_fresh_page_has_a_short_link_and_links_made_by_hand_are_fine() {
    let text = link_of(&State::default());
    assert!(text.len() < 48, "{text}");
    assert_eq!(Link::read(&text).notes, Vec::<String>::new());
    let link = Link::read("page=rank&open=shakespeare-llama");
    assert_eq!(link.notes, Vec::<String>::new());
    assert_eq!(link.target, Some(Target::Bundled("shakespeare-llama".into())));
    assert!(Link::read("").is_empty() && Link::read("#").is_empty());
}

#[test]
fn a_link_cut_anywhere_is_noticed_or_asks_for_no_settings() {
    let text = link_of(&rich());
    for n in 1..text.len() {
        let link = Link::read(&text[..n]);
        // Before the version has been read it looks like a link made by hand.
        assert!(n < 4 || !link.notes.is_empty(), "cut at {n}: {}", &text[..n]);
        assert_eq!(link.packed, None, "cut at {n}");
    }
}

#[test]
fn what_is_not_known_is_named_and_the_rest_is_kept() {
    let link = Link::read("v=2&page=rank&fold=3&tint=red&seed=9&s=j.AAAA");
    assert!(link.notes.iter().any(|n| n.contains("newer") && n.contains("2 of its keys") && n.contains("fold, tint")), "{:?}", link.notes);
    assert_eq!((link.place, link.seed), (Some(Place::Rank), Some(9)));
    let link = Link::read("page=nowhere&seed=x&device=abacus&hide=rail,moon&colour=1");
    assert!(link.notes.iter().any(|n| n.contains("colour")) && link.notes.iter().any(|n| n.contains("page=nowhere") && n.contains("seed=x") && n.contains("device=abacus") && n.contains("hide=moon")), "{:?}", link.notes);
    assert_eq!(link.lesson.hide, ["rail"]);
}

#[test]
fn settings_out_of_range_fall_back_and_no_packed_text_panics() {
    let state = rich();
    let rest = packed::read(r#"{"r":{"t":7,"k":-1,"r":99,"h":[[0,0],[99,3],["x",2.5],3]},"p":{"c":[5,4],"h":[[1,9]],"l":[77,[78,1]]},"q":[[3],["a"]],"w":{"a":1}}"#, &state).expect("it is JSON");
    assert_eq!(*rest.edit.rank, RankState { by_hand: [("0.q".into(), 1)].into(), ..RankState::default() });
    assert_eq!(*rest.edit.prune, PruneState { sparsity: [("0.up".into(), 1.0)].into(), ..PruneState::default() });
    assert_eq!((rest.runs.len(), rest.views.len()), (1, 0));
    for text in ["{", "[]", "3", "null", "{\"r\":3,\"p\":[],\"q\":{},\"b\":-1}"] {
        packed::read(text, &state).ok();
    }
}

#[test]
fn a_checkpoint_is_known_by_its_headers() {
    let t = Target::Local { name: "a".into(), size: 1.0, sha: "a41f09c2".into() };
    assert!(t.is("a41f09c2ffff") && !t.is("7c1eb830"));
    assert!(!Target::Local { name: "a".into(), size: 1.0, sha: "a4".into() }.is("a41f"), "too short to tell");
    assert_eq!(target::short("a41f09c2ff"), "a41f 09c2");
    assert_eq!(unescape(&escape("50 % & ünï#=?")), "50 % & ünï#=?");
    assert_eq!(unescape("%zz%4"), "%zz%4");
}

#[test]
fn a_run_of_a_link_that_takes_long_or_much_memory_waits_for_a_word() {
    let follow = |samples: u32, length: u32| {
        let mut s = State { summary: Some(Rc::new(summary())), source: Some(Target::Bundled("orchard".into())), ..State::default() };
        s.shown = Rc::new(vec![Asked { method: "wanda".into(), config: json!({ "samples": samples, "length": length }), matrices: None, seed: 7 }]);
        let mut link = Link::read(&link_of(&s));
        assert!(link.unpack_plain());
        let mut fresh = State { shown: Rc::default(), ..s };
        fresh.apply(crate::app::late::follow(Rc::new(link), false));
        (fresh.queue.len(), fresh.queue_held)
    };
    assert_eq!((follow(32, 128), follow(4096, 131_072)), ((1, false), (1, true)));
}

#[test]
fn the_map_comes_back_without_a_checkpoint_and_long_training_waits() {
    use crate::app::journal::Step;
    use espalier_methods::urban::calliper::Config;
    use espalier_methods::urban::town::Source;

    let view = |points: u32| {
        let mut s = State { place: Place::Map, seed: 9, ..State::default() };
        let config = Config { city: Source::Made { seed: 8, points, sentences: String::new() }, epochs: 3, width: 12, ..Config::small() };
        let asked = Asked { method: "calliper".into(), config: serde_json::to_value(&config).expect("plain data"), matrices: None, seed: 9 };
        let town = Rc::make_mut(&mut s.town);
        town.config = Rc::new(config);
        town.ran = Some(Rc::new(Step { asked, summary: String::new() }));
        s.apply(Action::View("map".into(), Some("clusters 8 hexagons".into())));
        s
    };
    let follow = |s: &State| {
        let mut link = Link::read(&link_of(s));
        assert!(link.unpack_plain() && link.notes.is_empty());
        let mut fresh = State::default();
        fresh.apply(crate::app::late::follow(Rc::new(link), false));
        fresh
    };
    let small = view(900);
    let back = follow(&small);
    assert_eq!((back.place, back.seed, &back.town.config), (Place::Map, 9, &small.town.config));
    assert_eq!(back.view("map").as_deref(), Some("clusters 8 hexagons"));
    assert_eq!((back.queue.first().map(|a| a.method.as_str()), back.queue_held), (Some("calliper"), false));
    assert!(follow(&view(20_000)).queue_held, "60 000 points are some seconds: they wait for a word");
    // A file of the visitor's own is in no link: it is asked for, and nothing is run over nothing.
    let mut own = view(900);
    let town = Rc::make_mut(&mut own.town);
    let file = espalier_methods::urban::town::Given { name: "mine.csv".into(), ..Default::default() };
    town.config = Rc::new(Config { city: Source::File(file), ..Config::small() });
    let back = follow(&own);
    assert!(back.queue.is_empty() && back.link_notes.iter().any(|n| n.contains("mine.csv")), "{:?}", back.link_notes);
    assert!(!back.town.is_here() && back.town.picture.is_none());
}
