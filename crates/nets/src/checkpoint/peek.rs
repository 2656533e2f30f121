//! A look at what a file says of itself, before it is opened as what it is: a saved run goes another way than a model.

use serde_json::{Map, Value};

use super::HEADER_CAP;

/// Where the header of a safetensors file ends, by its first eight bytes; `None` where they are the length of none.
pub fn header_end(head: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(*head.first_chunk()?);
    (2..=HEADER_CAP).contains(&length).then(|| 8 + length)
}

/// The `__metadata__` of a safetensors file of which at least the header is at hand, as pairs. `None` where it is none or has none; what is wrong with it is said when it is opened.
pub fn metadata(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let end = usize::try_from(header_end(bytes)?).ok()?;
    let text = std::str::from_utf8(bytes.get(8..end)?).ok()?;
    let mut header: Map<String, Value> = serde_json::from_str(text).ok()?;
    let Some(Value::Object(all)) = header.remove("__metadata__") else { return None };
    Some(all.into_iter().filter_map(|(k, v)| if let Value::String(text) = v { Some((k, text)) } else { None }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Builder;

    #[test]
    fn a_file_says_what_it_is_before_it_is_opened() {
        let bytes = Builder::new().metadata("format", "pt").made_up("a", &[2, 3]).build();
        assert_eq!(metadata(&bytes), Some(vec![("format".to_owned(), "pt".to_owned())]));
        let end = header_end(&bytes).expect("a header") as usize;
        assert_eq!(metadata(&bytes[..end]), metadata(&bytes), "the tensors are not needed");
        assert_eq!(metadata(&bytes[..end - 1]), None, "all of the header is");
        for not in [&b"PK\x03\x04 a zip of something"[..], b"", b"\x02\0\0\0\0\0\0\0{}", &u64::MAX.to_le_bytes()] {
            assert_eq!(metadata(not), None);
        }
    }
}
