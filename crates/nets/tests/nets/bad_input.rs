//! Files that are not what they should be: each gives a typed error whose three sentences say what, where, why and what to do.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::rc::Rc;

use espalier_nets::checkpoint::{ByteSource, Checkpoint, CheckpointError, Dtype, ErrorKind};
use espalier_nets::testing::{Builder, Watched, source};
use pollster::block_on;

const FILE: &str = "model.safetensors";

fn open(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    block_on(Checkpoint::open(vec![source(FILE, bytes)]))
}

/// The error, after checking that its parts hold the words given and that it names the file.
fn refuse(bytes: &[u8], what: &str, why: &str, advice: &str) -> CheckpointError {
    let e = open(bytes).err().expect("it should not open");
    assert!(e.what().contains(FILE), "the file is not named: {}", e.what());
    assert!(e.what().contains(what), "what: {}", e.what());
    assert!(e.why().contains(why), "why: {}", e.why());
    assert!(e.advice().contains(advice), "advice: {}", e.advice());
    assert_eq!(e.kind(), ErrorKind::Malformed);
    let all = e.to_string();
    assert!(all.contains(&e.what()) && all.contains(&e.why()) && all.contains(&e.advice()));
    e
}

fn with_header(json: &str, data: &[u8]) -> Vec<u8> {
    let mut out = (json.len() as u64).to_le_bytes().to_vec();
    out.extend(json.as_bytes());
    out.extend(data);
    out
}

#[test]
fn headers_that_end_too_early() {
    let whole = Builder::new().made_up("a.weight", &[4, 4]).build();
    let e = refuse(&whole[..40], "header is cut off", "but the file ends after 40", "Download or copy the file again");
    assert!(matches!(e, CheckpointError::HeaderLength { size: 40, .. }));
    refuse(&[1, 2, 3], "header is cut off", "the whole file has 3", "Download");
    refuse(&[0x10, 0x27, 0, 0, 0, 0, 0, 0, b'{'], "header is cut off", "a header of 10000 bytes, but the file ends after 9", "Download");
    refuse(&[0xff; 64], "header is cut off", "18446744073709551615", "Download");
    refuse(&0u64.to_le_bytes(), "header is not valid", "EOF", "Download");
}

#[test]
fn a_header_over_the_cap_is_not_read() {
    struct Huge;
    impl ByteSource for Huge {
        fn name(&self) -> &str {
            FILE
        }
        fn len(&self) -> u64 {
            1 << 40
        }
        fn read(&self, range: std::ops::Range<u64>) -> espalier_nets::checkpoint::LocalFuture<'_, Result<Vec<u8>, espalier_nets::checkpoint::SourceError>> {
            assert!(range.end <= 4096, "only the first bytes are looked at, not {range:?}");
            let mut head = 100_000_001u64.to_le_bytes().to_vec();
            head.push(b'{');
            head.resize((range.end - range.start) as usize, 1);
            Box::pin(async move { Ok(head) })
        }
    }
    let e = block_on(Checkpoint::open(vec![Rc::new(Huge)])).err().unwrap();
    assert!(e.what().contains("header is too long"), "{e}");
    assert!(e.why().contains("100000001 bytes long") && e.why().contains("stop at 100000000"), "{e}");
    assert!(e.advice().contains("Save the checkpoint again"), "{e}");
}

#[test]
fn headers_that_are_not_what_they_should_be() {
    refuse(&with_header("{\"a\":", b""), "entry of tensor a", "EOF", "Save the checkpoint again");
    refuse(&with_header("{]      ", b""), "header is not valid", "line 1", "it was not written by a safetensors library");
    refuse(&with_header("{} trailing", b""), "header is not valid", "trailing", "Download");
    refuse(&with_header("{\"\u{1}\":1}", b""), "header is not valid", "control character", "Download");
    let mut not_utf8 = with_header("{\"a?\":1}", b"");
    not_utf8[11] = 0xff;
    refuse(&not_utf8, "header is not valid", "unicode", "Download");
    refuse(&with_header("[1,2,3] ", b"\0\0\0\0"), "header is not valid", "expected an object of tensors", "Download");
    refuse(&with_header(&format!("{{\"__metadata__\":{}1}}", "[".repeat(500)), b""), "header is not valid", "object of texts", "Download");
    refuse(&with_header(&format!("{{\"__metadata__\":{{\"a\":{}1}}}}", "[".repeat(5000)), b""), "header is not valid", "recursion", "Download");
}

#[test]
fn entries_of_the_wrong_form() {
    for (entry, why) in [
        ("7", "expected an object of dtype, shape and data_offsets"),
        ("{\"dtype\":\"F32\",\"shape\":[1]}", "data_offsets"),
        ("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", "shape"),
        ("{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}", "string"),
        ("{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}", "-1"),
        ("{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}", "1.5"),
        ("{\"dtype\":\"F32\",\"shape\":[1e30],\"data_offsets\":[0,4]}", "1e30"),
        ("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}", "trailing"),
        ("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}", "99999999999999999999"),
        ("{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", "duplicate field"),
    ] {
        let json = format!("{{\"model.x\":{entry}}}");
        let e = open(&with_header(&json, &[0; 4])).err().unwrap();
        assert!(matches!(e, CheckpointError::HeaderEntry { .. }), "{entry}: {e}");
        assert!(e.what().contains("the entry of tensor model.x is not valid"), "{e}");
        let why_text = e.why().replace("1e+30", "1e30").replace("1e+20", "99999999999999999999").replace("100000000000000000000", "99999999999999999999");
        assert!(why_text.contains(why), "{entry}: {e}");
    }
}

#[test]
fn offsets_that_lie() {
    let e = refuse(
        &Builder::new().entry("a", "F32", &[4], [0, 16]).entry("b", "F32", &[4], [8, 24]).data(&[0; 24]).build(),
        "tensors a and b overlap",
        "the byte at offset 8",
        "do not trust it",
    );
    assert!(matches!(e, CheckpointError::Overlap { at: 8, .. }));
    refuse(&Builder::new().entry("a", "F32", &[4], [0, 16]).data(&[0; 15]).build(), "tensor a lies past the end", "the file holds 15 bytes", "compare its size");
    refuse(&Builder::new().entry("a", "F32", &[4], [16, 0]).data(&[0; 16]).build(), "byte range of tensor a", "from 16 back to 0", "Save the checkpoint again");
    refuse(&Builder::new().entry("a", "F32", &[4], [0, 12]).data(&[0; 12]).build(), "byte range of tensor a", "F32 [4] needs 16 bytes, its offsets give 12", "Save");
    refuse(
        &Builder::new().entry("a", "U8", &[0], [u64::MAX, u64::MAX]).build(),
        "tensor a lies past the end",
        "18446744073709551615",
        "Download",
    );
    refuse(&Builder::new().entry("a", "F4", &[3], [0, 1]).data(&[0]).build(), "byte range of tensor a", "F4 [3] does not end on a whole byte", "Save");
    refuse(&Builder::new().entry("a", "F6_E2M3", &[2], [0, 1]).data(&[0]).build(), "byte range of tensor a", "F6_E2M3 [2] does not end on a whole byte", "Save");
}

#[test]
fn shapes_that_cannot_be() {
    // 2^40 elements: the count fits 64 bits, the file does not hold them.
    refuse(&Builder::new().entry("a", "F32", &[1 << 40], [0, 4]).data(&[0; 4]).build(), "byte range of tensor a", "needs 4398046511104 bytes, its offsets give 4", "Save");
    let e = refuse(
        &Builder::new().entry("a", "F32", &[1 << 40], [0, 1 << 42]).data(&[0; 4]).build(),
        "tensor a lies past the end",
        "would have to be 43980465",
        "Download",
    );
    assert!(matches!(e, CheckpointError::PastEnd { data: 4, .. }));
    refuse(&Builder::new().entry("a", "F32", &[1 << 40, 1 << 40], [0, 4]).data(&[0; 4]).build(), "shape of tensor a is absurd", "cannot be counted in 64 bits", "Save");
    refuse(&Builder::new().entry("a", "F64", &[u64::MAX / 8], [0, 4]).data(&[0; 4]).build(), "shape of tensor a is absurd", "[2305843009213693951]", "Save");
    refuse(&Builder::new().entry("a", "F32", &[0, u64::MAX, 2], [0, 0]).build(), "shape of tensor a is absurd", "64 bits", "Save");
    refuse(&Builder::new().entry("a", "F32", &[1; 65], [0, 4]).data(&[0; 4]).build(), "tensor a has 65 dimensions", "more than 64", "Save");
    assert!(open(&Builder::new().entry("a", "F32", &[1; 64], [0, 4]).data(&[0; 4]).build()).is_ok());
}

#[test]
fn names_and_dtypes() {
    let e = refuse(
        &Builder::new().raw("a", "F32", &[1], &[0; 4]).raw("a", "F32", &[1], &[0; 4]).build(),
        "tensor a is named twice",
        "a name may appear once only",
        "Save",
    );
    assert_eq!(e, CheckpointError::DuplicateName { file: FILE.into(), tensor: "a".into() });
    let e = refuse(&Builder::new().raw("layer.w", "FLOAT32", &[1], &[0; 4]).build(), "tensor layer.w has an unknown element type", "\"FLOAT32\"", "convert the tensor");
    assert!(e.why().contains("BF16") && e.why().contains("F8_E4M3FNUZ"), "{e}");
    // A name of a megabyte, or with control characters, does not fill the screen.
    let e = open(&Builder::new().raw(&format!("\n\u{7}{}", "x".repeat(1 << 20)), "?", &[1], &[0; 4]).build()).err().unwrap();
    assert!(e.to_string().len() < 1000 && !e.to_string().contains('\n'), "{}", e.to_string().len());
}

#[test]
fn other_formats_are_named() {
    for (bytes, what, advice) in [
        (&b""[..], "it is an empty file", "Download or copy the file again"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "it is a pickle", "save_file"),
        (b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0archive/data.pkl", "it is a PyTorch archive", "weights_only=True"),
        (b"GGUF\x03\0\0\0\0\0\0\0", "it is a GGUF file", "original safetensors checkpoint"),
        (b"<!doctype html><html><title>Sign in</title>", "it is a web page", "/resolve/ instead of /blob/"),
        (b"{\"error\":\"Invalid username or password.\"}", "it is JSON text", "Choose the .safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3428480\n", "it is a git-lfs pointer", "git lfs pull"),
        (b"Entry not found", "it is plain text", "download it again"),
        (b"\x93NUMPY\x01\0", "it is a NumPy array", "safetensors.numpy"),
    ] {
        let e = refuse(bytes, what, "", advice);
        assert!(matches!(e, CheckpointError::Foreign { .. }), "{e}");
        assert!(!e.why().is_empty());
    }
    // By its own name too, and named even among other files that are of no use.
    let pickle = source("pytorch_model.bin", b"\x80\x02}q\0.");
    let e = block_on(Checkpoint::open(vec![source("config.json", b"{}"), pickle])).err().unwrap();
    assert_eq!(e.what(), "pytorch_model.bin was not opened: it is a pickle, not safetensors");
}

#[test]
fn nothing_to_open() {
    let e = block_on(Checkpoint::open(Vec::new())).err().unwrap();
    assert_eq!((e.kind(), e.why().as_str()), (ErrorKind::Missing, "No file was given."));
    let e = block_on(Checkpoint::open(vec![source("config.json", b"{}"), source("tokenizer.json", b"{}")])).err().unwrap();
    assert!(e.why().contains("config.json, tokenizer.json") && e.advice().contains("Choose a .safetensors file"), "{e}");
}

#[test]
fn strange_but_whole_files_open() {
    let c = open(
        &Builder::new()
            .raw("scalar", "F32", &[], &1.5f32.to_le_bytes())
            .raw("empty", "F32", &[0, 3], &[])
            .raw("also_empty", "F32", &[0], &[])
            .values("five.weight", Dtype::F32, &[2, 1, 2, 1, 2], &[1., 2., 3., 4., 5., 6., 7., 8.])
            .raw("packed", "F4", &[4], &[0x12, 0x34])
            .raw("complex", "C64", &[2, 2], &[0; 32])
            .values("odd.weight", Dtype::F32, &[2, 2], &[f32::NAN, f32::INFINITY, -0.0, f32::NEG_INFINITY])
            .raw("ids", "I64", &[2, 2], &[0; 32])
            .build(),
    )
    .unwrap();
    assert_eq!(c.tensors.len(), 8);
    assert_eq!(block_on(c.read_f32(c.find("scalar").unwrap())).unwrap(), [1.5]);
    assert_eq!(block_on(c.read_f32(c.find("empty").unwrap())).unwrap(), [0.0; 0]);
    let odd = block_on(c.read_f32(c.find("odd.weight").unwrap())).unwrap();
    assert!(odd[0].is_nan() && odd[1] == f32::INFINITY && odd[2].is_sign_negative() && odd[3] == f32::NEG_INFINITY);
    let names: Vec<String> = c.matrices().into_iter().map(|m| format!("{} {:?}", m.name, m.shape)).collect();
    assert_eq!(names, ["five.weight [2, 4]", "odd.weight [2, 2]"]);
    let notes = c.notes.join("\n");
    for part in ["not recognised", "out × in·kh·kw", "Integer tensors are listed but not taken as matrices: ids", "F4, C64 are listed", "without elements are listed but not analysed: empty, also_empty"] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let e = block_on(c.read_f32(c.find("packed").unwrap())).unwrap_err();
    assert_eq!((e.kind(), e.what().as_str()), (ErrorKind::Dtype, "Tensor packed is listed but not decoded: it is F4"));
}

#[test]
fn holes_are_noted() {
    let c = open(&Builder::new().entry("a", "F32", &[1], [4, 8]).entry("b", "F32", &[1], [16, 20]).data(&[0; 30]).build()).unwrap();
    let notes = c.notes.join("\n");
    assert!(notes.contains("12 bytes between tensors") && notes.contains("the last 10 bytes belong to no tensor"), "{notes}");
    let whole = open(&Builder::new().made_up("a", &[2]).build()).unwrap();
    assert!(!whole.notes.iter().any(|n| n.contains("bytes")), "{:?}", whole.notes);
}

#[test]
fn metadata_that_is_not_text_is_shown_with_a_note() {
    let c = open(&Builder::new().text("\"__metadata__\":{\"format\":\"pt\",\"step\":7,\"format\":\"np\"}").made_up("a", &[2]).build()).unwrap();
    assert_eq!((c.metadata["format"].as_str(), c.metadata["step"].as_str()), ("np", "7"));
    assert!(c.notes.iter().any(|n| n.contains("text only") && n.contains("step")) && c.notes.iter().any(|n| n.contains("format twice")), "{:?}", c.notes);
    assert!(open(&Builder::new().text("\"__metadata__\":null").made_up("a", &[2]).build()).is_ok());
    let e = open(&with_header("{\"__metadata__\":{},\"__metadata__\":{}}", b"")).err().unwrap();
    assert!(matches!(e, CheckpointError::DuplicateName { .. }), "{e}");
}

#[test]
fn a_source_that_fails_says_so_and_the_rest_goes_on() {
    let file = Watched::new(FILE, &Builder::new().made_up("a.weight", &[600, 4]).made_up("b.weight", &[4, 4]).build());
    let c = block_on(Checkpoint::open(vec![file.clone()])).unwrap();
    file.fails_from.set(c.tensors[1].range.start);
    let e = block_on(c.read_f32(1)).unwrap_err();
    assert_eq!((e.kind(), e.what().as_str()), (ErrorKind::Source, "model.safetensors could not be read"));
    assert!(e.why().contains("the connection was lost") && e.advice().contains("choose it again"), "{e}");
    assert_eq!(block_on(c.read_f32(0)).unwrap().len(), 2400);
}

#[test]
fn requests_that_do_not_fit_are_refused() {
    let c = open(&Builder::new().made_up("a.weight", &[4, 6]).build()).unwrap();
    assert_eq!(block_on(c.read_f32(9)).unwrap_err().what(), "Tensor number 9 is not in the open checkpoint");
    assert!(block_on(c.read_part(0, 20..25)).unwrap_err().why().contains("[4, 6]"));
    assert!(block_on(c.read_bytes(0, 0..97)).unwrap_err().why().contains("96 bytes"));
    let good = c.matrices().remove(0);
    for bad in [
        espalier_nets::checkpoint::MatrixRef { shape: [6, 6], ..good.clone() },
        espalier_nets::checkpoint::MatrixRef { shape: [u64::MAX, 2], ..good.clone() },
        espalier_nets::checkpoint::MatrixRef { name: "b.weight".into(), ..good.clone() },
        espalier_nets::checkpoint::MatrixRef { slice: Some(4), ..good.clone() },
        espalier_nets::checkpoint::MatrixRef { slice: Some(0), ..good.clone() },
        espalier_nets::checkpoint::MatrixRef { tensor: 3, ..good.clone() },
    ] {
        assert_eq!(block_on(c.read_matrix(&bad)).unwrap_err().kind(), ErrorKind::Request, "{bad:?}");
    }
    assert!(block_on(c.read_matrix(&good)).is_ok());
}
