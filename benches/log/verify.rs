//! An export of the whole log, and its verification.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use dts_gateway::call::Clock;
use dts_gateway::evidence::{Checkpoints, Export, Folder, Signer};
use dts_gateway::proof::SigningKey;
use dts_gateway::proof::verify::{Brought, verify};
use dts_gateway::store::Store;
use tokio::time::Instant;

const ORIGIN: &str = "gateway.example.com/audit";

pub(crate) async fn run(store: Arc<dyn Store>, clock: &Clock) {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(ORIGIN).unwrap();
    let keys = [key.verifying_key().clone()];
    let signer = Signer { origin: ORIGIN.to_owned(), keys: vec![key] };
    let notes = Folder::new(folder.path().join("checkpoints"));
    Checkpoints::new(Arc::clone(&store), signer, notes.clone(), clock.clone()).publish().await.unwrap();

    let (file, began) = (folder.path().join("export.ndjson"), Instant::now());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&file).unwrap());
    let mut export = Export::begin(Arc::clone(&store), ORIGIN, clock).await.unwrap();
    while let Some(lines) = export.next().await.unwrap() {
        out.write_all(&lines).unwrap();
    }
    out.flush().unwrap();
    let (entries, size) = (export.progress().0, file.metadata().unwrap().len());
    println!(
        "\nexported {entries} entries, {:.1} GB, in {:.0} s; {} MB resident at most so far",
        size as f64 / 1e9,
        began.elapsed().as_secs_f64(),
        peak_megabytes()
    );

    // What came before had a peak of its own.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_megabytes();
    let mut brought = Vec::new();
    // A log without entries has no checkpoint.
    for (log, _) in crate::logs(&*store).await.into_iter().filter(|(_, size)| *size > 0) {
        let note = std::fs::read_to_string(notes.file(log)).unwrap();
        brought.push(Brought { from: log.to_string(), note: note.trim_end().to_owned() + "\n" });
    }
    let began = Instant::now();
    let report = verify(File::open(&file).unwrap(), &keys, &brought, &mut |_| {}).unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(report.is_proven(), "{:?}", report.findings);
    println!(
        "verified in {took:.1} s, {:.0} entries a second; {} MB resident at most, {before} MB before",
        entries as f64 / took,
        peak_megabytes()
    );
}

/// The most memory that the process had resident since that was last asked to be forgotten.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default() / 1024
}
