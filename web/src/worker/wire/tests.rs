use std::collections::BTreeMap;

use espalier_lab::protocol::{Command, DeviceChoice, Edits, Reply};
use espalier_methods::report::{Event, Finding};
use serde_json::json;

use super::*;

fn back<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(v: &T) {
    let bytes = to_bytes(v).unwrap();
    assert_eq!(&from_bytes::<T>(&bytes).unwrap(), v);
    // Cut anywhere it is refused, and never a panic.
    for n in 0..bytes.len() {
        assert!(from_bytes::<T>(&bytes[..n]).is_err(), "{n} of {} bytes", bytes.len());
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert_eq!(from_bytes::<T>(&longer), Err(Broken));
}

#[test]
fn every_kind_of_data_comes_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Unit,
        New(i64),
        Pair(f32, char),
        Named { a: Option<u8>, b: () },
    }
    back(&vec![Kind::Unit, Kind::New(i64::MIN), Kind::Pair(1.5, 'σ'), Kind::Named { a: Some(255), b: () }, Kind::Named { a: None, b: () }]);
    back(&(u64::MAX, -1i8, true, false, "text".to_string(), [1u16, 2, 300]));
    back(&BTreeMap::from([("a".to_string(), vec![1.0, -0.0]), (String::new(), Vec::new())]));
    let value = json!({ "rule": "erk", "target": 0.5, "n": 18_446_744_073_709_551_615u64, "m": -3, "on": [true, null, {}], "deep": [[[]]] });
    back(&value);
}

#[test]
fn not_a_number_keeps_its_bits() {
    let bytes = to_bytes(&[f64::NAN, f64::NEG_INFINITY]).unwrap();
    let [a, b]: [f64; 2] = from_bytes(&bytes).unwrap();
    assert!(a.is_nan() && b == f64::NEG_INFINITY);
}

#[test]
fn the_protocol_comes_back() {
    let s = espalier_methods::spectra::summary("model.layers.0.q", Some(3), [6, 4], vec![3.0, 2.0, 1.0, 0.5], 1e-9, "test");
    let config = json!({ "rule": "nearest", "target": 0.5, "by_hand": { "a": 3 } });
    back(&Command::Run { job: 7, method: "welore".into(), config: config.clone(), matrices: Some(vec!["a#1".into()]), known: vec![s.clone()], seed: u64::MAX });
    back(&Command::Device(DeviceChoice::Gpu));
    back(&Command::Close);
    back(&Command::Export { job: 1, edits: Edits::Magnitude { config, matrices: None }, provenance: vec![("a".into(), "b".into())] });
    back(&Reply::Event { job: 300, event: Event::Finding(Finding::Spectrum(s)) });
    back(&Reply::Event { job: 1, event: Event::Progress { done: 1.0, total: 2.0, unit: "matrices".into(), label: String::new() } });
    back(&Reply::Cancelled { job: 1 });
}

#[test]
fn a_message_of_another_type_is_refused() {
    // By its shape: kinds are numbers here, and two kinds of one number and one shape would not be told apart.
    let event = Reply::Event { job: 1, event: Event::Note("a word".into()) };
    assert_eq!(from_bytes::<Command>(&to_bytes(&event).unwrap()), Err(Broken));
    assert_eq!(from_bytes::<String>(&to_bytes(&5u8).unwrap()), Err(Broken));
    assert_eq!(from_bytes::<Vec<u8>>(&[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]), Err(Broken));
}
