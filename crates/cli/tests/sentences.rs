//! The bundled sentence embeddings: whole, of the made city's descriptions, and what the model still gives where it is at hand.

use std::path::PathBuf;
use std::process::Command;

use espalier_methods::urban::made::kinds;
use espalier_methods::urban::sentences::{BUNDLED, Sentences};
use espalier_methods::urban::town::PointFile;

fn table(file: &std::path::Path) -> Sentences {
    let bytes = std::fs::read(file).expect("the table is there").into();
    pollster::block_on(Sentences::read(&PointFile { name: BUNDLED.into(), bytes })).expect("a table of sentence embeddings")
}

fn bundled() -> Sentences {
    table(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/sentences/made-city.safetensors")))
}

fn cosine(t: &Sentences, a: &str, b: &str) -> f32 {
    let rows = t.of(&[a, b].map(str::to_owned)).expect("both are descriptions");
    rows[..t.width].iter().zip(&rows[t.width..]).map(|(x, y)| x * y).sum()
}

#[test]
fn every_description_of_a_made_city_has_a_row_that_says_what_it_means() {
    let t = bundled();
    assert_eq!((t.model.as_str(), t.width, &t.texts), (BUNDLED, 384, &kinds::texts()));
    for row in t.rows.chunks(384) {
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        // 384 numbers of about 0.05, each rounded to 11 bits.
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    // Other letters, the same thing; the same letters, another.
    let (coffee, tea, court, tennis) = ("A place of coffee shops, a type of eating and drinking", "A place of tea rooms, a type of eating and drinking", "A place of courts, a type of public life", "A place of tennis courts, a type of sport and play");
    assert!(cosine(&t, coffee, tea) > cosine(&t, court, tennis) + 0.1, "{} {}", cosine(&t, coffee, tea), cosine(&t, court, tennis));
}

/// The model is 90 MB that nobody has to keep: `ESPALIER_MINILM`, or `checkpoints/all-MiniLM-L6-v2` of the shared folder.
#[test]
fn the_model_gives_the_bundled_rows_again() {
    let shared = std::env::var_os("ESPALIER_SHARED").map(|s| PathBuf::from(s).join("checkpoints/all-MiniLM-L6-v2"));
    let folder = std::env::var_os("ESPALIER_MINILM").map(PathBuf::from).into_iter().chain(shared).find(|p| p.join("model.safetensors").is_file());
    let Some(folder) = folder else {
        println!("all-MiniLM-L6-v2 is neither at ESPALIER_MINILM nor among the shared checkpoints: only the table itself was looked at, by the test beside this one");
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let (points, out) = (dir.path().join("points.csv"), dir.path().join("rows.safetensors"));
    let some: Vec<String> = kinds::texts().into_iter().step_by(40).collect();
    let lines: String = some.iter().enumerate().map(|(i, t)| format!("{i}.5,50.{i},\"{t}\"\n")).collect();
    std::fs::write(&points, format!("lon,lat,description\n{lines}")).expect("written");
    let done = Command::new(env!("CARGO_BIN_EXE_espalier")).args(["city", "embed", "--device", "cpu"]).arg(&points).arg("--model").arg(&folder).arg("--out").arg(&out).output().expect("it starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (again, bundled) = (table(&out), bundled());
    assert_eq!(again.texts, some);
    let wanted = bundled.of(&some).expect("all are there");
    let worst = again.rows.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Half a unit in the last place of a 16-bit number below 0.25, twice: another processor may round to the neighbour.
    assert!(worst <= 2.5e-4, "{worst}");
}
