//! Training over a city from the command line: its record is done again to the last bit, and a run that was saved goes on to the same numbers.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A small city and network: seconds, not minutes.
const SMALL: [&str; 14] = ["--made", "7", "--count", "400", "--device", "cpu", "--epochs", "3", "--batch", "64", "--set", "width=8", "--set", r#"architecture={"kind":"fc_net","hidden":16,"dropout":0.5}"#];

fn espalier(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_espalier")).args(args).output().expect("it starts")
}

fn train(more: &[&str]) -> Output {
    espalier(&[&["city", "train"][..], &SMALL, more].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(out: Output) -> String {
    assert!(out.status.success(), "{}", text(&out.stderr));
    text(&out.stdout)
}

fn refused(out: Output) -> String {
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stdout));
    text(&out.stderr)
}

fn path(dir: &TempDir, name: &str) -> String {
    dir.path().join(name).display().to_string()
}

#[test]
fn a_record_of_a_run_with_its_probes_is_done_again_to_the_last_bit() {
    let dir = tempfile::tempdir().expect("a folder");
    let record = path(&dir, "record.json");
    let said = done(train(&["--set", "seeds=1", "--set", "supervised_steps=3", "--record", &record]));
    assert!(said.contains("untrained encoder") && said.contains("best validation loss"), "{said}");
    let again = done(espalier(&["replay", &record, "--device", "cpu"]));
    assert!(again.contains("run calliper") && again.contains("1 results equal to the last bit, 0 within rounding, 0 different"), "{again}");
}

#[test]
fn own_points_are_named_in_a_record_and_given_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let (points, record) = (path(&dir, "mine.csv"), path(&dir, "record.json"));
    let kinds = ["A place of cafés", "A place of parks", "A place of foundries"];
    let rows: String = (0..120).map(|i| format!("{},{},{}\n", 530_000 + 37 * i % 900, 180_000 + 91 * i % 800, kinds[i % 3])).collect();
    std::fs::write(&points, format!("easting,northing,description\n{rows}")).expect("written");
    let args = ["city", "train", &points, "--device", "cpu", "--epochs", "2", "--batch", "32", "--set", "width=4", "--record", &record];
    done(espalier(&args));
    let again = done(espalier(&["replay", &record, "--points", &points, "--device", "cpu"]));
    assert!(again.contains("1 results equal to the last bit"), "{again}");
    assert!(refused(espalier(&["replay", &record, "--device", "cpu"])).contains("mine.csv"), "the file is asked for");
}

#[test]
fn a_run_that_was_stopped_and_saved_goes_on_to_the_same_report() {
    let dir = tempfile::tempdir().expect("a folder");
    let (half, whole, rest) = (path(&dir, "half.safetensors"), path(&dir, "whole.safetensors"), path(&dir, "rest.safetensors"));
    let report = |more: &[&str]| -> Value { serde_json::from_str(&done(train(&[&["--json"][..], more].concat()))).expect("JSON") };
    let at_once = report(&["--out", &whole]);
    // 360 points a epoch in six steps: the seventh is in the second epoch, behind the first best weights.
    report(&["--set", "steps=7", "--out", &half]);
    let resumed = report(&["--resume", &half, "--out", &rest]);
    assert_eq!(resumed, at_once, "the report does not tell which way it was come by");
    // Behind the header: weights, the optimiser's memory and the best weights.
    let values = |file: &str| {
        let bytes = std::fs::read(file).expect("there");
        let header = u64::from_le_bytes(*bytes.first_chunk().expect("a length")) as usize;
        bytes[8 + header..].to_vec()
    };
    assert_eq!(values(&rest), values(&whole), "nor do the saved runs");
    // What does not fit is named.
    assert!(refused(train(&["--resume", &half, "--seed", "9"])).contains("seed"));
    assert!(refused(train(&["--resume", &half, "--set", "width=9"])).contains("width"));
    assert!(refused(train(&["--resume", &whole, "--set", "epochs=1"])).contains("set more epochs"));
    let other = espalier(&["city", "train", "--made", "8", "--count", "400", "--device", "cpu", "--resume", &half]);
    assert!(refused(other).contains("other points"));
    let not = path(&dir, "not.safetensors");
    std::fs::write(&not, b"\x02\0\0\0\0\0\0\0{}").expect("written");
    assert!(refused(train(&["--resume", &not])).contains("not a saved run"));
}
