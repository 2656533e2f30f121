//! What a browser holds, process by process, and the most of it over a time. Linux counts it; elsewhere nothing is known.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes by kind of process (`browser`, `renderer`, `gpu-process`, `utility`); pages that several processes share are counted in parts, once together.
pub type Held = BTreeMap<String, u64>;

/// The parents of all processes.
fn parents() -> BTreeMap<u32, u32> {
    let each = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    // The name, in parentheses, may hold anything; the parent is the second word behind it.
    let parent = |id: u32| std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok();
    each.filter_map(|id| Some((id, parent(id)?))).collect()
}

/// What all descendants of a process hold.
pub fn held_under(root: u32) -> Held {
    let parents = parents();
    let under = |mut id: u32| loop {
        match parents.get(&id) {
            Some(&p) if p == root => return true,
            Some(&p) if p > 1 => id = p,
            _ => return false,
        }
    };
    let mut held = Held::new();
    for id in parents.keys().copied().filter(|id| under(*id)) {
        let of = Path::new("/proc").join(id.to_string());
        let (Ok(line), Ok(sizes)) = (std::fs::read(of.join("cmdline")), std::fs::read_to_string(of.join("smaps_rollup"))) else { continue };
        let line = String::from_utf8_lossy(&line);
        let kind = line.split('\0').flat_map(|a| a.split(' ')).find_map(|a| a.strip_prefix("--type=")).unwrap_or("browser");
        let kib = sizes.lines().find_map(|l| l.strip_prefix("Pss:")).and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        *held.entry(kind.to_owned()).or_default() += kib.unwrap_or(0) << 10;
    }
    held
}

/// Looks at a process's descendants again and again, and keeps the moment at which they hold the most.
pub struct Watch {
    over: Arc<AtomicBool>,
    most: JoinHandle<Held>,
}

/// Bytes of all processes.
pub fn sum(held: &Held) -> u64 {
    held.values().sum()
}

impl Watch {
    /// Begins.
    pub fn begin(root: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = over.clone();
        let most = std::thread::spawn(move || {
            let mut most = Held::new();
            while !ended.load(Ordering::Relaxed) {
                let now = held_under(root);
                if sum(&now) > sum(&most) {
                    most = now;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            most
        });
        Self { over, most }
    }

    /// Ends, with what was held when it was most.
    pub fn most(self) -> Held {
        self.over.store(true, Ordering::Relaxed);
        self.most.join().unwrap_or_default()
    }
}
