//! A run over a city in the engine: without a checkpoint, held, stepped, ended early, cancelled while it waits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use espalier_lab::protocol::{Command, Pace, Reply};
use espalier_lab::Engine;
use espalier_methods::report::{Event, Finding, Report};
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
fn before_a_run_says_that_it_waits_it_is_looked_at_where_it_stands() {
    let bench = Rc::new(Bench::default());
    let engine = Engine::new(bench.clone());
    let (told, heard) = (engine.clone(), Rc::new(RefCell::new(Vec::new())));
    let words = heard.clone();
    bench.act.replace(Some(Box::new(move |reply| {
        let say = |pace| pollster::block_on(told.handle(Command::Pace { job: 1, pace }));
        match reply {
            Reply::Event { event: Event::Metric { series, step, .. }, .. } if series == "loss" => {
                words.borrow_mut().push(("loss", *step as u32));
                if *step == 4.0 {
                    say(Pace::Pause);
                }
            }
            Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } => {
                if let Urban::Look(look) = &**u {
                    words.borrow_mut().push((if look.part == [0, 1] { "whole" } else { "part" }, look.step));
                }
            }
            Reply::Event { event: Event::Waits, .. } => {
                words.borrow_mut().push(("waits", 0));
                say(Pace::Play);
            }
            _ => {}
        }
    })));
    pollster::block_on(engine.handle(run(small())));
    let heard = heard.borrow();
    let waits = heard.iter().position(|(w, _)| *w == "waits").expect("it waits");
    let taken = heard[..waits].iter().filter(|(w, _)| *w == "loss").count();
    assert_eq!(heard[waits - 1], ("whole", taken as u32), "{heard:?}");
    assert!((5..12).contains(&taken) && heard.iter().filter(|(w, _)| *w == "waits").count() == 1, "{heard:?}");
}

fn saved(bench: &Bench) -> Vec<PointFile> {
    let file = |r: &Reply| match r {
        Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } => match &**u {
            Urban::Saved(file) => Some(file.clone()),
            _ => None,
        },
        _ => None,
    };
    bench.replies.borrow().iter().filter_map(file).collect()
}

fn report(bench: &Bench) -> Report {
    match bench.replies.borrow().last() {
        Some(Reply::Done { report, .. }) => (**report).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_waits_is_saved_without_a_step_and_gone_on_with_to_the_same_report() {
    let whole = Rc::new(Bench::default());
    pollster::block_on(Engine::new(whole.clone()).handle(run(small())));
    assert_eq!(saved(&whole).iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["made-city-1-step-12.safetensors"], "at its end a run says what it is");
    let bench = Rc::new(Bench::default());
    let engine = Engine::new(bench.clone());
    let told = engine.clone();
    bench.act.replace(Some(Box::new(move |reply| {
        let Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } = reply else { return };
        let say = |pace| pollster::block_on(told.handle(Command::Pace { job: 1, pace }));
        match &**u {
            Urban::Look(look) if look.step == 6 => say(Pace::Step(1)),
            Urban::Look(look) if look.step == 7 => say(Pace::Save),
            Urban::Saved(file) if file.name.contains("step-7.") => say(Pace::Play),
            _ => {}
        }
    })));
    pollster::block_on(engine.handle(run(small())));
    assert_eq!(report(&bench), report(&whole), "being saved changes nothing");
    let half = saved(&bench).swap_remove(0);
    let resumed = Rc::new(Bench::default());
    let engine = Engine::new(resumed.clone());
    pollster::block_on(engine.handle(Command::Points(PointFile { name: "saved run".into(), ..half })));
    let mut config = small();
    config["resume"] = "saved run".into();
    pollster::block_on(engine.handle(run(config)));
    assert_eq!(looks(&resumed), [7, 9, 12]);
    assert_eq!(report(&resumed), report(&whole), "nor does going on from there: its record can be done again from the beginning");
    // All that was said before is said again, then the rest.
    let losses = |bench: &Bench| bench.replies.borrow().iter().filter_map(|r| if let Reply::Event { event: Event::Metric { series, step, value }, .. } = r { (series == "loss").then_some((*step, *value)) } else { None }).collect::<Vec<_>>();
    assert_eq!(losses(&resumed), losses(&whole));
    // And its record is done again to the last bit, without the file.
    let again = Rc::new(Bench::default());
    pollster::block_on(Engine::new(again.clone()).handle(Command::Replay { job: 9, record: engine.record() }));
    assert!(matches!(again.replies.borrow().last(), Some(Reply::Replayed { same: 1, close: 0, different: 0, .. })), "{:?}", again.replies.borrow().last());
}

#[test]
fn a_run_that_was_ended_early_is_recorded_as_long_as_it_was() {
    let bench = Rc::new(Bench::default());
    let engine = Engine::new(bench.clone());
    let told = engine.clone();
    bench.act.replace(Some(Box::new(move |reply| {
        if let Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } = reply
            && matches!(&**u, Urban::Look(look) if look.step == 3)
        {
            pollster::block_on(told.handle(Command::Pace { job: 1, pace: Pace::Enough }));
        }
    })));
    let mut config = small();
    config["seeds"] = json!(0);
    pollster::block_on(engine.handle(run(config)));
    assert_eq!(report(&bench).config["steps"], json!(3));
    let again = Rc::new(Bench::default());
    pollster::block_on(Engine::new(again.clone()).handle(Command::Replay { job: 9, record: engine.record() }));
    assert!(matches!(again.replies.borrow().last(), Some(Reply::Replayed { same: 1, different: 0, .. })), "{:?}", again.replies.borrow().last());
}

#[test]
fn regions_are_judged_beside_land_use() {
    let bench = Rc::new(Bench::default());
    let mut config = small();
    config["city"]["points"] = json!(600);
    pollster::block_on(Engine::new(bench.clone()).handle(run(config)));
    let done = report(&bench);
    assert!(done.figures.len() == 2 && done.summary.contains("F1 on the random split") && done.summary.contains("L1 of the shares on the random split"), "{}", done.summary);
    let found = bench.replies.borrow().iter().find_map(|r| match r {
        Reply::Event { event: Event::Finding(Finding::Urban(u)), .. } => match &**u {
            Urban::Areas(p) => Some((**p).clone()),
            _ => None,
        },
        _ => None,
    });
    let probes = found.expect("probes of the regions");
    let told = &probes.predicted[0];
    // 16 regions: a fifth of them, rounded up, is judged by.
    assert_eq!((told.rows.len(), told.classes.len(), told.shares.len()), (4, 4, 4 * 9));
    assert!(told.shares.chunks(9).all(|s| (s.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    let names: Vec<&str> = probes.lines[0].metrics.iter().map(|m| m.0.as_str()).collect();
    assert_eq!(names, ["l1", "chebyshev", "kl", "cosine"]);
    let mean = probes.lines.iter().find(|l| l.rows == "mean of what was learnt from").expect("the least that must be beaten");
    assert!(mean.mean("l1") > 0.0 && mean.metrics.iter().all(|m| m.2 == 0.0), "{mean:?}");
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
