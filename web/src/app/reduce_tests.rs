use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind, Reply, Summary, TensorRow};
use espalier_methods::report::{Event, Finding, Report, Spectrum, Tail};
use espalier_nets::checkpoint::{Family, MatrixRef, Role};
use yew::Reducible;

use crate::app::action::Action;
use crate::app::history::{Gesture, STEPS};
use crate::app::state::{Asked, Place, RankState, Run, Selection, State, key};

fn after(state: State, actions: impl IntoIterator<Item = Action>) -> State {
    let out = actions.into_iter().fold(Rc::new(state), |s, a| s.reduce(a));
    Rc::try_unwrap(out).unwrap_or_else(|s| (*s).clone())
}

fn threshold(k: f64) -> RankState {
    RankState { threshold: k, ..RankState::default() }
}

fn row(name: &str, role: Role, block: u32) -> TensorRow {
    TensorRow {
        name: name.into(),
        dtype: "F16".into(),
        readable: true,
        shape: vec![4.0, 6.0],
        elements: 24.0,
        bytes: 48.0,
        role,
        block: Some(block),
        expert: None,
        file: 0,
    }
}

pub(crate) fn summary() -> Summary {
    let tensors = vec![row("0.q", Role::Q, 0), row("0.up", Role::Up, 0), row("1.q", Role::Q, 1), row("1.up", Role::Up, 1)];
    let matrices = tensors.iter().enumerate().map(|(i, t)| MatrixRef {
        tensor: i,
        name: t.name.clone(),
        slice: None,
        shape: [4, if t.role == Role::Up { 9 } else { 6 }],
        role: t.role,
        block: t.block,
        expert: None,
        shared: false,
        transposed: false,
        prunable: true,
    });
    Summary {
        name: "two".into(),
        family: Family::Llama,
        architecture: "LlamaForCausalLM".into(),
        blocks: 2,
        bytes: 200.0,
        header_bytes: 100.0,
        files: vec![],
        matrices: matrices.collect(),
        tensors,
        config: vec![],
        metadata: vec![],
        notes: vec!["left out: notes.txt".into()],
        header_hash: "a41f".into(),
        address: None,
    }
}

fn spectrum(name: &str) -> Spectrum {
    Spectrum {
        tensor: name.into(),
        slice: None,
        shape: [2, 3],
        values: vec![2.0, 1.0].into(),
        floor: 1e-9,
        route: "test".into(),
        stable_rank: 1.25,
        effective_rank: 1.9,
        numerical_rank: 2,
        energy_ranks: [2, 2, 2],
        nuclear: 3.0,
        frobenius: 5f64.sqrt(),
        tail: Tail::TooFew { count: 2 },
        random_edge: 1.5,
    }
}

fn replies(list: Vec<Reply>) -> Action {
    crate::app::late::replies(list, 5000.0)
}

fn finding(job: u32, name: &str) -> Reply {
    Reply::Event { job, event: Event::Finding(Finding::Spectrum(spectrum(name))) }
}

fn progress(job: u32, done: f64) -> Reply {
    Reply::Event { job, event: Event::Progress { done, total: 4.0, unit: "matrices".into(), label: "0.q".into() } }
}

fn open() -> State {
    after(State::default(), [replies(vec![Reply::Opened(Box::new(summary()))])])
}

#[test]
fn undo_and_redo_go_through_rank_and_selection() {
    let s = after(
        State::default(),
        [
            Action::Rank(threshold(0.2), Gesture::Step),
            Action::Select(Selection { block: Some(3), ..Selection::default() }),
            Action::Rank(threshold(0.3), Gesture::Step),
        ],
    );
    assert_eq!(s.history.depth(), 3);
    let s = after(s, [Action::Undo, Action::Undo]);
    assert_eq!((s.rank().threshold, s.selection().block), (0.2, None));
    let s = after(s, [Action::Redo, Action::Redo, Action::Redo]);
    assert_eq!((s.rank().threshold, s.selection().block), (0.3, Some(3)));
}

#[test]
fn one_drag_is_one_step_and_the_next_drag_another() {
    let drag = |id: u32, k: f64| Action::Rank(threshold(k), Gesture::Drag(id));
    let s = after(State::default(), [drag(1, 0.1), drag(1, 0.11), drag(1, 0.12), drag(2, 0.2), drag(2, 0.21)]);
    assert_eq!(s.history.depth(), 2);
    let s = after(s, [Action::Undo]);
    assert_eq!(s.rank().threshold, 0.12);
    let s = after(s, [Action::Undo]);
    assert_eq!(s.rank().threshold, RankState::default().threshold);
}

#[test]
fn an_edit_that_changes_nothing_is_no_step_and_a_new_one_drops_redo() {
    let s = after(State::default(), [Action::Rank(RankState::default(), Gesture::Step)]);
    assert_eq!(s.history.depth(), 0);
    let s = after(s, [Action::Rank(threshold(0.2), Gesture::Step), Action::Undo, Action::Rank(threshold(0.4), Gesture::Step), Action::Redo]);
    assert_eq!(s.rank().threshold, 0.4);
    assert_eq!(s.history.ahead(), 0);
}

#[test]
fn undo_keeps_a_hundred_steps() {
    let s = after(State::default(), (1..=130).map(|i| Action::Rank(threshold(f64::from(i)), Gesture::Step)));
    assert_eq!(s.history.depth(), STEPS);
    let s = after(s, (0..200).map(|_| Action::Undo));
    assert_eq!(s.rank().threshold, 30.0);
}

#[test]
fn opening_goes_to_inspect_and_points_at_the_largest_matrix_of_the_middle_block() {
    let s = open();
    assert_eq!(s.place, Place::Inspect);
    assert_eq!(s.selection(), Selection { tensor: Some(3), slice: None, block: Some(1) });
    assert!(s.log.iter().any(|l| l.text == "left out: notes.txt"));
}

#[test]
fn a_block_is_selected_with_the_same_role() {
    let s = after(open(), [Action::SelectBlock(0)]);
    assert_eq!(s.selection(), Selection { tensor: Some(1), slice: None, block: Some(0) });
}

#[test]
fn events_fold_into_results_and_progress() {
    let run = Run::new(7, "spectra", Place::Inspect, 1000.0);
    let s = after(open(), [Action::Started(run), replies(vec![finding(7, "0.q"), progress(7, 1.0)])]);
    assert_eq!(s.spectra[&key("0.q", None)].stable_rank, 1.25);
    let run = s.run.as_ref().unwrap();
    assert_eq!((run.done, run.total, run.share()), (1.0, 4.0, 0.25));
    // One of four in 4 s leaves 12 s; before the third second nothing is promised.
    assert_eq!(run.seconds_left(5000.0), Some(12.0));
    assert_eq!(run.seconds_left(3000.0), None);
    let report = Report {
        method: "spectra".into(),
        config: serde_json::Value::Null,
        summary: "4 spectra".into(),
        stats: vec![],
        figures: vec![],
        findings: vec![Finding::Spectrum(spectrum("1.q"))],
        warnings: vec![],
    };
    let s = after(s, [replies(vec![Reply::Done { job: 7, report: Box::new(report), seconds: 4.0 }])]);
    assert!(s.run.is_none());
    assert_eq!(s.spectra.len(), 2);
    assert!(s.reports.contains_key("spectra"));
}

#[test]
fn cancel_keeps_what_is_done_and_a_resumed_run_knows_it() {
    let run = Run::new(7, "spectra", Place::Inspect, 1000.0);
    let s = after(
        open(),
        [
            Action::Started(run),
            replies(vec![finding(7, "0.q"), finding(7, "0.up"), progress(7, 2.0)]),
            Action::Cancelling { now: 4950.0 },
            replies(vec![Reply::Cancelled { job: 7 }]),
        ],
    );
    let stopped = s.stopped.clone().unwrap();
    assert_eq!((stopped.done, stopped.total, stopped.after, stopped.took_ms), (2.0, 4.0, 4.0, 50.0));
    assert_eq!(s.spectra.len(), 2);
    assert_eq!(s.known_spectra().len(), 2);
    let s = after(s, [Action::Started(Run::new(8, "spectra", Place::Inspect, 6000.0))]);
    assert!(s.stopped.is_none());
}

#[test]
fn the_end_of_an_older_job_does_not_end_the_newer() {
    let s = after(
        open(),
        [
            Action::Started(Run::new(1, "spectra", Place::Inspect, 0.0)),
            Action::Started(Run::new(2, "spectra", Place::Inspect, 10.0)),
            replies(vec![Reply::Cancelled { job: 1 }, progress(1, 3.0)]),
        ],
    );
    let run = s.run.unwrap();
    assert_eq!((run.job, run.done), (2, 0.0));
    assert!(s.stopped.is_none());
}

fn fault(what: &str) -> Fault {
    Fault { kind: FaultKind::Malformed, what: what.into(), why: String::new(), advice: String::new(), details: String::new(), room: None }
}

#[test]
fn a_failure_stands_where_its_run_began_and_closes_nothing() {
    let s = after(
        open(),
        [
            Action::Started(Run::new(4, "magnitude", Place::Prune, 0.0)),
            Action::Go(Place::Rank),
            replies(vec![Reply::Failed { job: Some(4), fault: fault("no room") }]),
        ],
    );
    assert_eq!(s.faults_at(Place::Prune).count(), 1);
    assert_eq!(s.faults_at(Place::Rank).count(), 0);
    assert!(s.summary.is_some() && s.run.is_none());
    let id = s.faults[0].id;
    assert!(after(s, [Action::Dismiss(id)]).faults.is_empty());
}

#[test]
fn a_run_short_of_memory_says_so_once_and_its_failure_takes_the_place() {
    let short = |kind| Fault { kind, room: Some([8 << 20, 4 << 20]), ..fault("scratch needs 4 MiB more") };
    let asked = Rc::new(Asked { method: "magnitude".into(), config: serde_json::json!({}), matrices: None, seed: 7 });
    let run = Run { asked: Some(asked.clone()), ..Run::new(4, "magnitude", Place::Prune, 0.0) };
    let tight = || replies(vec![Reply::Tight { job: 4, fault: short(FaultKind::Tight) }]);
    let s = after(open(), [Action::Started(run.clone()), tight(), tight()]);
    assert_eq!((s.faults_at(Place::Prune).count(), s.run.is_some()), (1, true), "it goes on");
    let s = after(s, [replies(vec![Reply::Failed { job: Some(4), fault: short(FaultKind::Memory) }])]);
    let told: Vec<_> = s.faults_at(Place::Prune).map(|f| (f.fault.kind, f.asked.clone())).collect();
    assert_eq!(told, [(FaultKind::Memory, Some(asked))]);
    assert!(after(s, [Action::Started(run)]).faults.is_empty(), "another try begins without it");
}

#[test]
fn a_file_that_fails_to_open_leaves_the_open_one() {
    let s = after(
        open(),
        [
            Action::Go(Place::Open),
            Action::Started(Run::new(5, "open", Place::Open, 0.0)),
            replies(vec![Reply::Failed { job: None, fault: fault("header longer than the file") }]),
        ],
    );
    assert_eq!(s.faults_at(Place::Open).count(), 1);
    assert_eq!(s.summary.as_ref().unwrap().name, "two");
    assert!(s.run.is_none());
}

#[test]
fn a_crash_keeps_results_and_is_said() {
    let s = after(
        open(),
        [
            Action::Started(Run::new(7, "spectra", Place::Inspect, 0.0)),
            replies(vec![finding(7, "0.q"), progress(7, 1.0)]),
            Action::Crashed { why: "out of memory".into(), now: 6000.0 },
        ],
    );
    assert!(s.worker_down && s.run.is_none());
    assert_eq!(s.spectra.len(), 1);
    assert_eq!(s.faults_at(Place::Inspect).next().unwrap().fault.kind, FaultKind::Worker);
    assert!(!after(s, [Action::Restarted { now: 6100.0 }]).worker_down);
}

#[test]
fn another_checkpoint_forgets_the_results_of_the_first() {
    let s = after(
        open(),
        [
            Action::Started(Run::new(7, "spectra", Place::Inspect, 0.0)),
            replies(vec![finding(7, "0.q")]),
            Action::Rank(threshold(0.3), Gesture::Step),
            replies(vec![Reply::Opened(Box::new(summary()))]),
        ],
    );
    assert!(s.spectra.is_empty() && s.run.is_none());
    assert_eq!((s.history.depth(), s.opened), (0, 2));
}

#[test]
fn a_run_that_waits_for_the_worker_with_everything_goes_on_when_the_file_is_open_there() {
    let s = after(
        open(),
        [
            replies(vec![finding(6, "0.q")]),
            Action::Started(Run::new(7, "wanda", Place::Prune, 0.0)),
            Action::Grown { now: 10.0 },
            replies(vec![Reply::Opened(Box::new(summary()))]),
        ],
    );
    assert_eq!((s.run.as_ref().map(|r| r.job), s.stopped.is_none(), s.reopening, s.opened), (Some(7), true, false, 1));
}

#[test]
fn a_fresh_worker_that_opens_the_same_file_keeps_the_results() {
    let before = after(
        open(),
        [
            Action::Started(Run::new(7, "spectra", Place::Inspect, 0.0)),
            replies(vec![finding(7, "0.q"), progress(7, 1.0)]),
            Action::Rank(threshold(0.3), Gesture::Step),
            Action::Restarted { now: 6000.0 },
        ],
    );
    assert_eq!(before.stopped.as_ref().unwrap().done, 1.0);
    let s = after(before.clone(), [replies(vec![Reply::Opened(Box::new(summary()))])]);
    assert_eq!((s.spectra.len(), s.rank().threshold, s.opened), (1, 0.3, 1));
    let other = Summary { header_hash: "7c1e".into(), ..summary() };
    assert!(after(before, [replies(vec![Reply::Opened(Box::new(other))])]).spectra.is_empty());
}
