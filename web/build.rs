//! Packs the precomputed record for the page: 67 kB of JSON become 11 kB (gzip) that need no JSON reader.
//!
//! Little-endian. Texts are a length (u16) and UTF-8. `checkpoint`, `route`, count (u16), then for each spectrum: `tensor`; slice + 1 or 0, rows, columns, numerical
//! rank, the three energy ranks, the tail's count (u32 each); floor, stable rank, effective rank, nuclear norm, Frobenius norm, random edge, the tail's
//! α, its error, λ_min, D (f32 each); the tail's kind (0 fit, 1 too few, 2 flat); σ₁ and the smallest σ (f32), their number (u16); then the values as steps of 1/65535 of
//! ln(σ₁/σ_min), each as its distance from the one before: all high bytes, then all low bytes. A step is less than 2e-4 of a value.

use std::path::Path;

use serde_json::Value;

const RECORD: &str = "../assets/records/shakespeare-llama.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The page's build takes the screens out of the application, and needs to know who refers to whom.
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") && std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rustc-link-arg-bin=app=--emit-relocs");
    }
    println!("cargo::rerun-if-changed={RECORD}");
    let json = std::fs::read_to_string(RECORD).unwrap_or_else(|e| panic!("{RECORD}: {e}"));
    let record: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{RECORD}: {e}"));
    let out = std::env::var_os("OUT_DIR").expect("cargo gives build scripts a folder");
    std::fs::write(Path::new(&out).join("record.bin"), packed(&record)).unwrap_or_else(|e| panic!("record.bin: {e}"));
}

fn packed(record: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, &record["checkpoint"]);
    text(&mut out, &record["route"]);
    let spectra = record["spectra"].as_array().expect("a record holds a list of spectra");
    short(&mut out, spectra.len());
    for s in spectra {
        text(&mut out, &s["tensor"]);
        whole(&mut out, s["slice"].as_u64().map_or(0, |n| n + 1));
        for key in ["/shape/0", "/shape/1", "/numerical_rank", "/energy_ranks/0", "/energy_ranks/1", "/energy_ranks/2"] {
            whole(&mut out, s.pointer(key).and_then(Value::as_u64).unwrap_or_else(|| panic!("a spectrum without {key}")));
        }
        let (kind, tail) = match s["tail"].as_object().and_then(|t| t.iter().next()) {
            Some((name, tail)) => (["Fit", "TooFew", "Flat"].iter().position(|k| k == name).expect("a known kind of tail"), tail),
            None => panic!("a spectrum without a tail"),
        };
        whole(&mut out, tail["count"].as_u64().expect("a tail counts its values"));
        for key in ["floor", "stable_rank", "effective_rank", "nuclear", "frobenius", "random_edge"] {
            float(&mut out, s[key].as_f64().unwrap_or_else(|| panic!("a spectrum without {key}")));
        }
        for key in ["alpha", "sigma", "xmin", "distance"] {
            float(&mut out, tail[key].as_f64().unwrap_or(0.0));
        }
        out.push(kind as u8);
        values(&mut out, s["values"].as_array().expect("a spectrum holds its values"));
    }
    out
}

fn values(out: &mut Vec<u8>, values: &[Value]) {
    let values: Vec<f64> = values.iter().map(|v| v.as_f64().expect("singular values are numbers")).collect();
    let (first, last) = (values.first().copied().unwrap_or(1.0), values.last().copied().unwrap_or(1.0));
    assert!(last > 0.0, "a logarithm has no place for a singular value of 0");
    float(out, first);
    float(out, last);
    short(out, values.len());
    let range = (first / last).ln();
    let mut before = 0;
    let mut low = Vec::new();
    for v in values {
        let step = if range > 0.0 { ((first / v).ln() / range * 65535.0).round() as u16 } else { 0 };
        let [l, h] = (step - before).to_le_bytes();
        out.push(h);
        low.push(l);
        before = step;
    }
    out.extend(low);
}

fn text(out: &mut Vec<u8>, v: &Value) {
    let t = v.as_str().expect("a text");
    short(out, t.len());
    out.extend_from_slice(t.as_bytes());
}

fn short(out: &mut Vec<u8>, n: usize) {
    out.extend(u16::try_from(n).expect("lengths fit 16 bits").to_le_bytes());
}

fn whole(out: &mut Vec<u8>, n: u64) {
    out.extend(u32::try_from(n).expect("counts fit 32 bits").to_le_bytes());
}

fn float(out: &mut Vec<u8>, v: f64) {
    out.extend((v as f32).to_le_bytes());
}
