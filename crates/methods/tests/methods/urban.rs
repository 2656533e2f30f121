//! CaLLiPer on a small made-up city: it learns, resumes to the bit, stops where the loss is no longer a number.

use std::cell::RefCell;

use espalier_methods::method::LocalFuture;
use espalier_methods::report::Event;
use espalier_methods::urban::city::City;
use espalier_methods::urban::encoding::{Encoding, Scales};
use espalier_methods::urban::network::Architecture;
use espalier_methods::urban::ngrams;
use espalier_methods::urban::run::{Config, Run, Which};
use espalier_methods::{MethodError, Sink};
use espalier_tensor::{GpuOptions, Session};

/// Keeps the losses, and how far below chance they were said to be.
#[derive(Default)]
struct Kept(RefCell<Vec<(f64, f64)>>, RefCell<Vec<(f64, f64)>>);

impl Sink for Kept {
    fn event(&self, event: Event) {
        let Event::Metric { series, step, value } = event else { return };
        match series.as_str() {
            "loss" => self.0.borrow_mut().push((step, value)),
            "below chance" => self.1.borrow_mut().push((step, value)),
            _ => {}
        }
    }

    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A chequered city: what is written at a point depends on its square of 500 m.
fn city() -> City {
    let kinds = ["a place of coffee shop", "a steel foundry", "public park", "primary school for children"];
    let points: Vec<[f64; 2]> = (0..400).map(|i| [f64::from(i % 20) * 100.0, f64::from(i / 20) * 100.0]).collect();
    let texts: Vec<String> = points.iter().map(|p| kinds[((p[0] / 500.0) as usize % 2) * 2 + (p[1] / 500.0) as usize % 2].to_owned()).collect();
    City::new(points, &texts, 64, |t| Ok(ngrams::embed(t, 64))).expect("a city")
}

fn config() -> Config {
    Config {
        encoding: Encoding::Grid(Scales { min: 50.0, max: 2000.0, count: 8 }),
        architecture: Architecture::FcNet { hidden: 32, dropout: 0.2 },
        width: 16,
        batch: 64,
        epochs: 12,
        rate: 3e-3,
        ..Config::default()
    }
}

fn run() -> Run {
    Run::new(&Session::cpu(), &city(), config()).expect("it fits")
}

#[test]
fn it_learns_and_resumes_to_the_bit() {
    let (kept, mut whole) = (Kept::default(), run());
    assert_eq!((whole.steps_an_epoch(), whole.total()), (6, 72));
    pollster::block_on(whole.advance(&kept, u32::MAX)).expect("it runs");
    let losses = kept.0.into_inner();
    assert_eq!(losses.len(), 72);
    let mean = |l: &[(f64, f64)]| l.iter().map(|(_, v)| v).sum::<f64>() / l.len() as f64;
    // Four kinds of text: knowing them leaves the loss at ln(batch / 4) at best, ln(batch) is chance.
    assert!((mean(&losses[..3]) - whole.chance()).abs() < 1.0, "{losses:?}");
    assert!(mean(&losses[60..]) < mean(&losses[..6]) - 0.4, "{losses:?}");

    let (kept, mut first) = (Kept::default(), run());
    pollster::block_on(first.advance(&kept, 31)).expect("it runs");
    let saved = pollster::block_on(first.snapshot()).expect("it reads");
    let mut second = run();
    second.restore(&saved, first.best()).expect("the same run");
    pollster::block_on(second.advance(&kept, u32::MAX)).expect("it runs");
    assert_eq!(kept.0.into_inner(), losses);
    let end = |run: &Run| pollster::block_on(run.embed(&[[3.0, 4.0], [777.0, 1234.0]], Which::Last)).expect("it reads");
    assert_eq!(end(&second), end(&whole));
    let best = |run: &Run| (run.best(), pollster::block_on(run.embed(&[[3.0, 4.0]], Which::Best)).expect("it reads"));
    assert!(whole.best().is_some() && best(&second) == best(&whole), "the best weights come back, too");
}

/// Bytes that the session holds after so many steps; the epochs are those of [`config`], 6 steps each.
fn held(session: &Session, run: &mut Run, steps: u32) -> u64 {
    pollster::block_on(run.advance(&Kept::default(), steps)).expect("it runs");
    assert_eq!(run.steps(), steps);
    session.bytes_in_use()
}

#[test]
fn a_thousand_steps_hold_no_more_than_ten() {
    // Neither 10 nor 1000 is the end of an epoch: the best weights are others than the present ones both times.
    let session = Session::cpu();
    let mut run = Run::new(&session, &city(), Config { epochs: 200, ..config() }).expect("it fits");
    let (few, many) = (held(&session, &mut run, 10), held(&session, &mut run, 1000));
    assert!(few > 0 && few == many, "{few} bytes after 10 steps, {many} after 1000");
    drop(run);
    assert_eq!(session.bytes_in_use(), 0, "what is dropped is given back");
    // The pool of a GPU, where there is one, if only in software.
    let Ok(session) = pollster::block_on(Session::gpu(GpuOptions { allow_software: true, ..GpuOptions::default() })) else { return };
    let mut run = Run::new(&session, &city(), Config { epochs: 200, ..config() }).expect("it fits");
    let (few, many) = (held(&session, &mut run, 10), held(&session, &mut run, 100));
    assert_eq!(few, many, "bytes after 10 steps and after 100");
}

#[test]
fn chance_is_that_of_the_points_that_a_step_really_had() {
    let (kept, mut run) = (Kept::default(), run());
    pollster::block_on(run.advance(&kept, 13)).expect("it runs");
    // 360 points train (a tenth is held out): five batches of 64, and 40 at the end of each epoch of six steps.
    let sizes: Vec<f64> = kept.0.borrow().iter().zip(kept.1.borrow().iter()).map(|((_, loss), (_, below))| (loss + below).exp().round()).collect();
    assert_eq!(sizes, [64.0, 64.0, 64.0, 64.0, 64.0, 40.0, 64.0, 64.0, 64.0, 64.0, 64.0, 40.0, 64.0]);
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_says_where() {
    let mut run = Run::new(&Session::cpu(), &city(), Config { rate: 1e30, ..config() }).expect("it fits");
    let error = pollster::block_on(run.advance(&Kept::default(), u32::MAX)).expect_err("it diverges");
    assert!(matches!(&error, MethodError::Inputs(why) if why.contains("at step")), "{error}");
}

#[test]
fn what_cannot_be_is_refused_and_what_is_odd_is_said() {
    let session = Session::cpu();
    let bad = Config { encoding: Encoding::Grid(Scales { min: 0.0, max: 1.0, count: 3 }), ..config() };
    assert!(matches!(Run::new(&session, &city(), bad), Err(MethodError::Config { .. })));
    assert!(matches!(Run::new(&session, &city(), Config { batch: 0, ..config() }), Err(MethodError::Config { .. })));
    let one = City::new(vec![[0.0, 0.0]], &["a".to_owned()], 8, |t| Ok(ngrams::embed(t, 8)));
    assert!(matches!(one, Err(MethodError::Inputs(_))));
    let same = City::new(vec![[1.0, 1.0]; 5], &vec![String::new(); 5], 8, |t| Ok(ngrams::embed(t, 8))).expect("a city");
    assert_eq!(same.warnings().len(), 3);
    // A batch of one has nothing to tell apart: its loss is 0, and nothing breaks.
    let mut run = Run::new(&session, &same, Config { batch: 1, epochs: 2, ..config() }).expect("it fits");
    let kept = Kept::default();
    pollster::block_on(run.advance(&kept, u32::MAX)).expect("it runs");
    assert!(kept.0.into_inner().iter().all(|(_, loss)| *loss == 0.0));
}
