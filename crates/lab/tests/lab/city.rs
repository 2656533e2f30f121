//! A run over a city in the engine: without a checkpoint, held, stepped, ended early, cancelled while it waits.

use std::cell::Cell;
use std::rc::Rc;

use espalier_lab::protocol::{Command, Pace, Reply};
use espalier_lab::Engine;
use espalier_methods::report::{Event, Finding};
use espalier_methods::urban::picture::Urban;
use espalier_methods::urban::town::PointFile;
use serde_json::json;

use crate::common::Bench;

fn run(config: serde_json::Value) -> Command {
    Command::Run { job: 1, method: "calliper".into(), config, matrices: None, known: Vec::new(), seed: 3 }
}

fn small() -> serde_json::Value {
    json!({ "city": { "kind": "made", "seed": 1, "points": 400 }, "architecture": { "kind": "linear" }, "width": 8, "batch": 64, "epochs": 2, "look_every": 3, "seeds": 1, "supervised_steps": 2 })
}

fn looks(bench: &Bench) -> Vec<u32> {
    let step = |r: &Reply| match r {
        Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } => match &**u {
            Urban::Look(l) => Some(l.step),
            _ => None,
        },
        _ => None,
    };
    bench.replies.borrow().iter().filter_map(step).collect()
}

#[test]
fn a_city_needs_no_checkpoint_and_is_judged_at_the_end() {
    let bench = Rc::new(Bench::default());
    let engine = Engine::new(bench.clone());
    pollster::block_on(engine.handle(run(small())));
    // 360 points are trained on, 64 a step: 6 steps an epoch.
    assert_eq!(looks(&bench), [0, 3, 6, 9, 12]);
    let replies = bench.replies.borrow();
    let Some(Reply::Done { report, .. }) = replies.last() else { panic!("{:?}", replies.last()) };
    assert!(report.summary.contains("F1") && report.figures.len() == 1, "{}", report.summary);
    assert!(replies.iter().any(|r| matches!(r, Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } if matches!(&**u, Urban::Probes(p) if p.lines.len() >= 14))));
}

#[test]
fn a_run_waits_steps_ends_early_and_is_cancelled_while_it_waits() {
    // What is said after the third step is answered by these, one after the other.
    for (end, last) in [(Some(Pace::Enough), 5), (None, 5)] {
        let bench = Rc::new(Bench::default());
        let engine = Engine::new(bench.clone());
        let (told, turns) = (engine.clone(), Cell::new(0));
        bench.act.replace(Some(Box::new(move |reply| {
            if let Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } = reply
                && let Urban::Look(look) = &**u
            {
                let say = |pace| pollster::block_on(told.handle(Command::Pace { job: 1, pace }));
                match (look.step, turns.replace(turns.get() + 1)) {
                    (3, _) => say(Pace::Step(2)),
                    (5, _) => match end {
                        Some(pace) => say(pace),
                        None => pollster::block_on(told.handle(Command::Cancel { job: 1 })),
                    },
                    _ => {}
                }
            }
        })));
        pollster::block_on(engine.handle(run(small())));
        assert_eq!(looks(&bench).last(), Some(&last), "{:?}", looks(&bench));
        let replies = bench.replies.borrow();
        match end {
            Some(_) => assert!(matches!(replies.last(), Some(Reply::Done { report, .. }) if report.stats.iter().any(|s| s.label == "steps" && s.value == 5.0)), "{:?}", replies.last()),
            None => assert_eq!(replies.last(), Some(&Reply::Cancelled { job: 1 })),
        }
    }
}

#[test]
fn a_file_of_points_is_a_city_and_one_that_is_not_there_is_an_error() {
    let bench = Rc::new(Bench::default());
    let engine = Engine::new(bench.clone());
    let csv = "lon,lat,description\n-0.1,51.5,A\n-0.11,51.51,B\nx,51.5,C\n";
    let ask = |name: &str| Command::Run { job: 2, method: "city".into(), config: json!({ "city": { "kind": "file", "name": name } }), matrices: None, known: Vec::new(), seed: 0 };
    pollster::block_on(engine.handle(Command::Points(PointFile { name: "mine.csv".into(), bytes: csv.as_bytes().to_vec().into() })));
    pollster::block_on(engine.handle(ask("mine.csv")));
    let found = bench.replies.borrow().iter().find_map(|r| match r {
        Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } => match &**u {
            Urban::City(p) => Some((p.text_of.len(), p.reading.as_ref().map(|r| r.left), p.frame.degrees([f64::from(p.points[0]) + p.origin[0], f64::from(p.points[1]) + p.origin[1]]))),
            _ => None,
        },
        _ => None,
    });
    let (points, left, degrees) = found.expect("a city");
    assert_eq!((points, left), (2, Some(1)));
    assert!((degrees[0] + 0.1).abs() < 1e-6 && (degrees[1] - 51.5).abs() < 1e-6, "{degrees:?}");
    pollster::block_on(engine.handle(ask("other.csv")));
    assert!(matches!(bench.replies.borrow().last(), Some(Reply::Failed { job: Some(2), fault }) if fault.why.contains("other.csv") || fault.what.contains("other.csv")), "{:?}", bench.replies.borrow().last());
}
