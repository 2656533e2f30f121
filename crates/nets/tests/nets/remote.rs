//! Checkpoints on a server that behaves well or badly.

use std::rc::Rc;

use espalier_nets::checkpoint::remote::{Address, Found, HUB, Problem, RemoteSource, Told, Trouble, find};
use espalier_nets::checkpoint::{ByteSource, Cause, Checkpoint, CheckpointError, SourceError};
use espalier_nets::testing::Builder;
use espalier_nets::testing::web::{Manner, PlainFetch, Seen, Served, Server};
use pollster::block_on;

fn silent() -> Told {
    Rc::new(|_, _, _| {})
}

/// A header of `count` tensors `[rows, 1024]` in BF16 whose data is not there, and the length that the whole file has.
fn front(count: u64, rows: u64, first: u64) -> (Vec<u8>, u64) {
    let each = rows * 1024 * 2;
    let b = (0..count).fold(Builder::new(), |b, i| b.entry(&format!("model.layers.{}.mlp.up_proj.weight", first + i), "BF16", &[rows, 1024], [i * each, (i + 1) * each]));
    let header = b.build();
    let length = header.len() as u64 + count * each;
    (header, length)
}

fn open(server: &Server, path: &str) -> Result<RemoteSource, SourceError> {
    block_on(RemoteSource::open(Rc::new(PlainFetch::default()), "m.safetensors", server.url(path), silent()))
}

fn problem(e: &SourceError) -> Problem {
    match &e.cause {
        Cause::Remote(fault) => fault.problem.clone(),
        other => panic!("{other:?}: {e}"),
    }
}

/// Each failure has its own message with four parts that say something.
fn told(e: SourceError) -> String {
    let e = CheckpointError::Source(e);
    for part in [e.what(), e.why(), e.advice()] {
        assert!(part.len() > 15, "{part}");
    }
    e.to_string()
}

fn sent(seen: &[Seen]) -> u64 {
    seen.iter().map(|s| s.sent).sum()
}

fn look(server: &Server, address: &str) -> Result<Found, SourceError> {
    let endpoint = if address.starts_with("http") { HUB.to_owned() } else { server.url("") };
    let address = Address::parse(address, &endpoint).expect("an address");
    block_on(find(Rc::new(PlainFetch::default()), &address, silent()))
}

#[test]
fn a_checkpoint_of_1_gb_takes_two_requests_and_less_than_1_mb_to_its_list() {
    let server = Server::new();
    let (header, length) = front(300, 2000, 0);
    assert!(length > 1_000_000_000);
    server.put("/a/b/resolve/main/model.safetensors", Served::sparse(&header, length));
    server.put("/a/b/resolve/main/config.json", Served::bytes(br#"{"architectures":["LlamaForCausalLM"],"model_type":"llama"}"#));
    let found = look(&server, "a/b").expect("found");
    assert_eq!((found.name.as_str(), found.sources.len()), ("b", 2));
    let c = block_on(Checkpoint::open(found.sources)).expect("opens");
    assert_eq!((c.tensors.len(), c.settings.architecture.as_deref()), (300, Some("LlamaForCausalLM")));
    let seen = server.take();
    assert!(seen.len() <= 2 && sent(&seen) < 1_000_000, "{seen:?}");
}

#[test]
fn a_long_header_takes_one_more_request_for_its_rest() {
    let server = Server::new();
    let (header, length) = front(9000, 60, 0);
    assert!(header.len() > 900_000);
    server.put("/x", Served::sparse(&header, length));
    let source: Rc<dyn ByteSource> = Rc::new(open(&server, "/x").expect("opens"));
    let c = block_on(Checkpoint::open(vec![source])).expect("opens");
    assert_eq!(c.tensors.len(), 9000);
    assert_eq!(block_on(c.read_header(0)).expect("again"), header);
    let seen = server.take();
    assert_eq!((seen.len(), sent(&seen)), (2, header.len() as u64), "{seen:?}");
}

#[test]
fn one_tensor_of_a_model_of_30_gb_costs_its_own_bytes() {
    let server = Server::new();
    let mut map = serde_json::Map::new();
    for shard in 0..6u64 {
        let name = format!("model-{:05}-of-00006.safetensors", shard + 1);
        let (header, length) = front(20, 122_000, shard * 20);
        server.put(&format!("/big/model/resolve/v2/{name}"), Served::sparse(&header, length));
        for i in 0..20 {
            map.insert(format!("model.layers.{}.mlp.up_proj.weight", shard * 20 + i), name.clone().into());
        }
    }
    server.put("/big/model/resolve/v2/model.safetensors.index.json", Served::bytes(serde_json::json!({ "weight_map": map }).to_string().as_bytes()));
    let found = look(&server, "big/model@v2").expect("found");
    let c = block_on(Checkpoint::open(found.sources)).expect("opens");
    let total: u64 = c.files.iter().map(|f| f.len()).sum();
    assert!(total > 29_900_000_000 && c.tensors.len() == 120);
    let seen = server.take();
    assert!(sent(&seen) < 1_000_000, "headers of six shards: {} bytes in {} requests", sent(&seen), seen.len());
    // What one tensor costs is known before, and is what is sent; a part of it costs its part.
    let cost = c.tensors[77].bytes();
    assert_eq!(cost, 122_000 * 2048);
    let part = block_on(c.read_part(77, 0..4096)).expect("reads");
    assert!(part.iter().all(|v| *v == 0.0));
    // The server notes what it has written after the reader has it.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let seen = server.take();
    assert_eq!((seen.len(), sent(&seen)), (1, 8192));
}

#[test]
fn a_shard_brings_the_others_and_a_folder_brings_what_it_has() {
    let server = Server::new();
    for (path, name) in [("/x/m-00001-of-00002.safetensors", "a.weight"), ("/x/m-00002-of-00002.safetensors", "b.weight")] {
        server.put(path, Served::bytes(&Builder::new().made_up(name, &[4, 4]).build()));
    }
    let found = look(&server, &server.url("/x/m-00002-of-00002.safetensors")).expect("found without an index");
    assert_eq!(found.name, "m");
    assert_eq!(block_on(Checkpoint::open(found.sources)).expect("opens").tensors.len(), 2);
    // A repository whose file has another name is listed.
    server.put("/o/r/resolve/main/unet/diffusion.safetensors", Served::bytes(&Builder::new().made_up("c.weight", &[4, 4]).build()));
    server.put("/api/models/o/r/tree/main/unet", Served::bytes(br#"[{"type":"file","path":"unet/diffusion.safetensors","size":200},{"type":"directory","path":"unet/x"}]"#));
    let found = look(&server, "o/r/unet").expect("found by the listing");
    assert_eq!(found.address, format!("{}/o/r/resolve/main/unet", server.url("")));
    assert_eq!(block_on(Checkpoint::open(found.sources)).expect("opens").tensors.len(), 1);
    server.put("/api/models/o/old/tree/main", Served::bytes(br#"[{"type":"file","path":"pytorch_model.bin","size":200}]"#));
    let e = look(&server, "o/old").err().expect("only a pickle");
    assert!(told(e).contains("pytorch_model.bin"));
    // An index that leads out of its folder is not followed.
    server.put("/evil/model.safetensors.index.json", Served::bytes(br#"{"weight_map":{"w":"../../secret.safetensors"}}"#));
    server.take();
    let e = look(&server, &server.url("/evil/")).err().expect("refused");
    assert!(matches!(problem(&e), Problem::Index { .. }), "{e:?}");
    assert!(server.take().iter().all(|s| !s.path.contains("secret")));
}

#[test]
fn a_server_without_ranges_is_noticed_before_the_whole_file_comes() {
    let server = Server::new();
    let (header, length) = front(300, 2000, 0);
    let manner = Manner { whole: true, ..Manner::default() };
    server.put("/big", Served::sparse(&header, length).manner(manner.clone()));
    let e = open(&server, "/big").err().expect("refused");
    assert_eq!(problem(&e), Problem::NoRanges { size: Some(length) });
    assert!(told(e).contains("1.2 GB"));
    // It does not even say how long it is: stopped at the limit.
    server.put("/secret", Served::sparse(&header, length).manner(Manner { secret: true, ..manner.clone() }));
    assert_eq!(problem(&open(&server, "/secret").err().expect("refused")), Problem::NoRanges { size: None });
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(sent(&server.take()) < 80 << 20);
    // A small file is taken whole.
    let bytes = Builder::new().made_up("w", &[64, 64]).build();
    server.put("/small", Served::bytes(&bytes).manner(manner));
    let source = open(&server, "/small").expect("opens");
    assert_eq!(block_on(source.read(0..source.len())).expect("reads"), bytes);
    assert_eq!(server.take().len(), 1);
}

#[test]
fn a_length_that_is_kept_from_the_page_is_asked_for_by_head() {
    let server = Server::new();
    let bytes = Builder::new().made_up("w", &[64, 64]).build();
    let secret = Served::bytes(&bytes).manner(Manner { secret: true, ..Manner::default() });
    // The range has no total; HEAD of this server has no length either.
    server.put("/x", secret);
    assert_eq!(problem(&open(&server, "/x").err().expect("no length")), Problem::NoLength);
    assert!(server.take().last().expect("asked").head);
    server.put("/empty", Served::bytes(b""));
    assert_eq!(open(&server, "/empty").expect("opens").len(), 0);
}

#[test]
fn every_refusal_has_its_own_message() {
    let server = Server::new();
    let bytes = Builder::new().made_up("w", &[64, 64]).build();
    let with = |statuses: &[u16], retry_after| Served::bytes(&bytes).manner(Manner { statuses: statuses.into(), retry_after, ..Manner::default() });
    let mut messages = Vec::new();
    for (status, want) in [
        (401, Problem::Private),
        (403, Problem::Forbidden),
        (404, Problem::NotFound),
        (429, Problem::Busy { after: None }),
        (500, Problem::Server { status: 500 }),
        (418, Problem::Status { status: 418 }),
    ] {
        server.put(&format!("/{status}"), with(&[status; 9], None));
        let e = open(&server, &format!("/{status}")).err().expect("refused");
        assert_eq!(problem(&e), want);
        messages.push(told(e));
    }
    server.put("/busy", with(&[429; 9], Some(120)));
    let e = open(&server, "/busy").err().expect("refused");
    assert_eq!(problem(&e), Problem::Busy { after: Some(120) });
    messages.push(told(e));
    for (trouble, want) in [(Trouble::Offline, Problem::Offline), (Trouble::NoCors, Problem::NoCors), (Trouble::Unreachable("refused".into()), Problem::Unreachable { why: "refused".into() })] {
        let fetch = PlainFetch::default();
        fetch.troubles.replace(vec![trouble; 4]);
        let e = block_on(RemoteSource::open(Rc::new(fetch), "m", server.url("/404"), silent())).err().expect("fails");
        assert_eq!(problem(&e), want);
        messages.push(told(e));
    }
    let whole = Served::bytes(&bytes).manner(Manner { shifted: 8, ..Manner::default() });
    server.put("/shifted", Served { length: bytes.len() as u64 - 8, ..whole });
    let e = open(&server, "/shifted").err().expect("refused");
    assert_eq!(problem(&e), Problem::WrongRange { asked: 0, given: 8 });
    messages.push(told(e));
    let distinct: std::collections::BTreeSet<&String> = messages.iter().collect();
    assert_eq!(distinct.len(), messages.len());
    // On the Hub, 401 means more.
    server.put("/a/b/resolve/main/model.safetensors", with(&[401; 9], None));
    let e = look(&server, "a/b").err().expect("refused");
    assert!(told(e).contains("gated"));
}

#[test]
fn a_busy_server_is_waited_for_and_a_broken_transfer_goes_on() {
    let server = Server::new();
    let bytes = Builder::new().made_up("w", &[2000, 2500]).build();
    assert!(bytes.len() > 19 << 20);
    let manner = Manner { statuses: vec![503, 429], retry_after: Some(2), cuts: Some((1 << 20, 3)), etag: Some("a".into()), ..Manner::default() };
    server.put("/x", Served::bytes(&bytes).manner(manner));
    let fetch = Rc::new(PlainFetch::default());
    let source = block_on(RemoteSource::open(fetch.clone(), "m", server.url("/x"), silent())).expect("opens after two refusals");
    assert!(fetch.waits.borrow().iter().all(|ms| *ms >= 2000) && fetch.waits.borrow().len() == 2, "{:?}", fetch.waits.borrow());
    server.take();
    let from = 1 << 20;
    let read = block_on(source.read(from..bytes.len() as u64)).expect("reads");
    assert!(read == bytes[from as usize..]);
    let starts: Vec<u64> = server.take().iter().filter_map(|s| s.range).map(|r| r.0).collect();
    assert_eq!(starts.len(), 4, "three breaks");
    assert!(starts.windows(2).all(|w| w[1] > w[0] && w[1] <= w[0] + (1 << 20)), "each goes on where the last one broke: {starts:?}");
    // Without end it is given up, and said.
    server.put("/y", Served::bytes(&bytes).manner(Manner { cuts: Some((0, 99)), ..Manner::default() }));
    let e = open(&server, "/y").err().expect("never comes");
    assert!(matches!(problem(&e), Problem::Cut { got: 0, .. }), "{e:?}");
    told(e);
}

#[test]
fn a_file_that_changes_on_the_server_is_noticed() {
    let server = Server::new();
    let bytes = Builder::new().made_up("w", &[2000, 2500]).build();
    server.put("/x", Served::bytes(&bytes).manner(Manner { etag: Some("a".into()), changes_at: Some(1), ..Manner::default() }));
    let source = open(&server, "/x").expect("opens");
    let e = block_on(source.read(19 << 20..(19 << 20) + 100)).expect_err("another file now");
    assert_eq!(e.cause, Cause::Changed);
    assert!(told(e).contains("ETag"));
    server.put("/z", Served::bytes(&bytes));
    let source = open(&server, "/z").expect("opens");
    server.put("/z", Served::sparse(&bytes, 25 << 20));
    let e = block_on(source.read(19 << 20..(19 << 20) + 100)).expect_err("longer now");
    assert_eq!(e.cause, Cause::Changed);
    server.put("/z", Served::sparse(&bytes, 100));
    let e = block_on(source.read(19 << 20..(19 << 20) + 100)).expect_err("shorter now");
    assert_eq!(problem(&e), Problem::RangeRefused);
    told(e);
}

#[test]
fn an_html_page_under_the_address_is_named_for_what_it_is() {
    let server = Server::new();
    server.put("/m.safetensors", Served::bytes(b"<!DOCTYPE html><html><body>Please log in</body></html>"));
    let found = look(&server, &server.url("/m.safetensors")).expect("found");
    let e = block_on(Checkpoint::open(found.sources)).err().expect("no checkpoint");
    assert!(e.to_string().contains("web page"), "{e}");
    assert_eq!(Address::parse("a/b", HUB).expect("an id").text(), "a/b");
}
