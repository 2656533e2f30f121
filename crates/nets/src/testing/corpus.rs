//! Malformed files: a table of recipes, each with a piece of the message it must give. Made by code, so that a file can be read as what is wrong with it.

use super::Builder;

/// One malformed input.
pub struct Malformed {
    /// What it is.
    pub name: &'static str,
    /// File name under which it is given.
    pub file: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Part of the message.
    pub says: &'static str,
}

/// A file of that JSON header, its true length in front and `data` zero bytes behind.
pub fn header(json: &str, data: usize) -> Vec<u8> {
    let mut out = (json.len() as u64).to_le_bytes().to_vec();
    out.extend(json.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

fn claims(length: u64, rest: &[u8]) -> Vec<u8> {
    let mut out = length.to_le_bytes().to_vec();
    out.extend(rest);
    out
}

fn one(dtype: &str, shape: &str, offsets: &str, data: usize) -> Vec<u8> {
    header(&format!("{{\"w\":{{\"dtype\":{dtype},\"shape\":{shape},\"data_offsets\":{offsets}}}}}"), data)
}

/// All of them.
pub fn malformed() -> Vec<Malformed> {
    let st = "m.safetensors";
    let whole = Builder::new().made_up("a", &[4, 4]).made_up("b", &[8]).build();
    let zip = |entry: &str| [b"PK\x03\x04".as_slice(), &[0; 26], entry.as_bytes()].concat();
    let long_name = format!("{{\"{}\":{{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}}}", "n".repeat(5000));
    let many = format!("[{}]", vec!["1"; 65].join(","));
    let table: Vec<(&'static str, &'static str, Vec<u8>, &'static str)> = vec![
        ("no bytes", st, vec![], "empty file"),
        ("one byte", st, vec![7], "cut off"),
        ("seven bytes", st, vec![0; 7], "the whole file has 7"),
        ("eight zeros: a header of no bytes", st, vec![0; 8], "EOF"),
        ("length without header", st, claims(100, b""), "ask for a header of 100 bytes, but the file ends after 8"),
        ("header cut in the middle", st, whole[..40].to_vec(), "the file ends after 40"),
        ("length of 2^63", st, claims(1 << 63, b"{}"), "header of 9223372036854775808"),
        ("length of 2^64 - 1", st, claims(u64::MAX, b"{}"), "header of 18446744073709551615"),
        ("length one too long", st, claims(3, b"{}"), "header of 3 bytes, but the file ends after 10"),
        ("length one too short", st, claims(1, b"{}"), "EOF while parsing"),
        ("data cut off", st, whole[..whole.len() - 1].to_vec(), "lies past the end"),
        ("header of text", st, claims(5, b"hello"), "not valid"),
        ("header is a list", st, header("[]", 0), "not valid"),
        ("header is a number", st, header("12", 0), "not valid"),
        ("header is null", st, header("null", 0), "not valid"),
        ("header with a comma too many", st, header("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},}", 4), "trailing comma"),
        ("header with words behind", st, header("{} and more", 0), "trailing characters"),
        ("header not in UTF-8", st, claims(7, b"{\"\xff\xfe\":1"), "not valid"),
        ("header nested without end", st, header(&"{\"a\":".repeat(300), 0), "not valid"),
        ("a key without value", st, header("{\"w\"}", 0), "expected `:`"),
        ("an entry that is a number", st, header("{\"w\":5}", 0), "entry of tensor w"),
        ("an entry that is null", st, header("{\"w\":null}", 0), "expected an object of dtype"),
        ("an entry without dtype", st, header("{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4), "missing field `dtype`"),
        ("an entry without shape", st, header("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4), "missing field `shape`"),
        ("an entry without offsets", st, header("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4), "missing field `data_offsets`"),
        ("dtype twice in an entry", st, header("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4), "duplicate field `dtype`"),
        ("dtype of a number", st, one("7", "[1]", "[0,4]", 4), "invalid type: integer `7`"),
        ("dtype unknown", st, one("\"F99\"", "[1]", "[0,4]", 4), "F99"),
        ("dtype in small letters", st, one("\"f32\"", "[1]", "[0,4]", 4), "unknown element type"),
        ("dtype of torch", st, one("\"torch.float32\"", "[1]", "[0,4]", 4), "torch.float32"),
        ("dtype empty", st, one("\"\"", "[1]", "[0,4]", 4), "It says \"\""),
        ("shape of a number", st, one("\"F32\"", "1", "[0,4]", 4), "invalid type: integer `1`"),
        ("shape with a negative extent", st, one("\"F32\"", "[-1]", "[0,4]", 4), "invalid value: integer `-1`"),
        ("shape with a fraction", st, one("\"F32\"", "[1.5]", "[0,6]", 6), "floating point `1.5`"),
        ("shape with text", st, one("\"F32\"", "[\"1\"]", "[0,4]", 4), "invalid type: string"),
        ("shape of 2^40 elements in 4 bytes", st, one("\"F32\"", "[1099511627776]", "[0,4]", 4), "needs 4398046511104 bytes, its offsets give 4"),
        ("shape that overflows", st, one("\"F32\"", "[4294967296,4294967296,4294967296]", "[0,4]", 4), "cannot be counted in 64 bits"),
        ("shape that overflows beside a zero", st, one("\"F32\"", "[0,18446744073709551615,18446744073709551615]", "[0,0]", 0), "is absurd"),
        ("shape whose bits overflow", st, one("\"F64\"", "[1152921504606846976]", "[0,4]", 4), "The bytes of shape [1152921504606846976]"),
        ("extent over 64 bits", st, one("\"F32\"", "[18446744073709551616]", "[0,4]", 4), "entry of tensor w"),
        ("65 dimensions", st, one("\"F32\"", &many, "[0,4]", 4), "65 dimensions"),
        ("offsets of one number", st, one("\"F32\"", "[1]", "[0]", 4), "invalid length 1"),
        ("offsets of three numbers", st, one("\"F32\"", "[1]", "[0,4,8]", 8), "entry of tensor w"),
        ("offsets negative", st, one("\"F32\"", "[1]", "[-4,0]", 4), "invalid value: integer `-4`"),
        ("offsets backwards", st, one("\"F32\"", "[1]", "[4,0]", 4), "run from 4 back to 0"),
        ("offsets too wide", st, one("\"F32\"", "[1]", "[0,8]", 8), "needs 4 bytes, its offsets give 8"),
        ("offsets too narrow", st, one("\"F32\"", "[2]", "[0,4]", 4), "needs 8 bytes, its offsets give 4"),
        ("offsets past the end", st, one("\"F32\"", "[1]", "[100,104]", 4), "Its offsets are 100 to 104"),
        ("offsets near 2^64", st, one("\"F32\"", "[1]", "[18446744073709551611,18446744073709551615]", 4), "offsets are 18446744073709551611"),
        ("half a byte of a packed type", st, one("\"F4\"", "[3]", "[0,1]", 1), "does not end on a whole byte"),
        ("empty tensor with bytes", st, one("\"F32\"", "[0]", "[0,4]", 4), "needs 0 bytes, its offsets give 4"),
        ("scalar with two values", st, one("\"F32\"", "[]", "[0,8]", 8), "F32 [] needs 4 bytes"),
        ("two tensors on the same bytes", st, Builder::new().entry("a", "F32", &[2], [0, 8]).entry("b", "F32", &[2], [0, 8]).data(&[0; 8]).build(), "tensors a and b overlap"),
        ("two tensors that share a byte", st, Builder::new().entry("a", "F32", &[2], [0, 8]).entry("c", "U8", &[4], [7, 11]).data(&[0; 11]).build(), "the byte at offset 7"),
        ("one tensor inside another", st, Builder::new().entry("out", "F32", &[4], [0, 16]).entry("in", "F32", &[1], [4, 8]).data(&[0; 16]).build(), "tensors out and in overlap"),
        ("a name twice", st, Builder::new().entry("w", "F32", &[1], [0, 4]).entry("w", "F32", &[1], [4, 8]).data(&[0; 8]).build(), "tensor w is named twice"),
        ("metadata twice", st, header("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "tensor __metadata__ is named twice"),
        ("metadata that is a list", st, header("{\"__metadata__\":[1]}", 0), "expected an object of texts"),
        ("metadata that is a text", st, header("{\"__metadata__\":\"pt\"}", 0), "invalid type: string \"pt\""),
        ("a very long name with a wrong dtype", st, header(&long_name, 4), "nnnnnn…"),
        ("a name of control characters", st, header("{\"\\u0000\\u001b[31m\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4), "\u{fffd}\u{fffd}[31m"),
        ("a pickle under the right name", st, b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01".repeat(4), "pickle"),
        ("a pickle", "pytorch_model.bin", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}".to_vec(), "pytorch_model.bin was not opened: it is a pickle"),
        ("an archive of torch.save", "model.pt", zip("archive/data.pkl"), "model.pt was not opened"),
        ("an archive of NumPy", "weights.npz", zip("w.npy"), "weights.npz was not opened"),
        ("an array of NumPy", "w.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}".to_vec(), "w.npy was not opened"),
        ("a GGUF file", "model.gguf", b"GGUF\x03\x00\x00\x00\x01\x00\x00\x00".to_vec(), "model.gguf was not opened"),
        ("GGUF under the right name", st, b"GGUF\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00".to_vec(), "GGUF"),
        ("a web page", st, b"<!DOCTYPE html><html><head><title>404</title></head></html>".to_vec(), "web page"),
        ("an LFS pointer", st, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".to_vec(), "git-lfs"),
        ("HDF5", "model.h5", b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x00\x00\x00".to_vec(), "model.h5 was not opened"),
        ("gzip", "model.safetensors.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec(), "gzip"),
        ("plain JSON", st, br#"{"weights": [1.0, 2.0, 3.0], "shape": [3]}"#.to_vec(), "JSON"),
        ("plain text", "readme.txt", b"These are the weights that you asked for, in an attachment.".to_vec(), "readme.txt was not opened"),
        ("an index that is no JSON", "model.safetensors.index.json", b"{\"weight_map\":".to_vec(), "not valid JSON"),
        ("an index without a map", "model.safetensors.index.json", b"{}".to_vec(), "no weight_map"),
        ("an index of numbers", "model.safetensors.index.json", br#"{"weight_map":{"w":3}}"#.to_vec(), "the file of tensor w is not a name"),
        ("an empty index", "model.safetensors.index.json", br#"{"weight_map":{}}"#.to_vec(), "its weight_map is empty"),
        ("an index of a file that is not there", "model.safetensors.index.json", br#"{"weight_map":{"w":"gone.safetensors"}}"#.to_vec(), "gone.safetensors is missing"),
        ("the second of three shards", "m-00002-of-00003.safetensors", whole.clone(), "2 of 3 shards are missing"),
        ("one shard of a million", "m-1-of-999999.safetensors", whole.clone(), "999998 of 999999 shards"),
        ("a configuration alone", "config.json", br#"{"model_type":"llama"}"#.to_vec(), "No checkpoint was found"),
    ];
    table.into_iter().map(|(name, file, bytes, says)| Malformed { name, file, bytes, says }).collect()
}
