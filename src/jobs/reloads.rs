//! Each reading of the teams' files that found others than before is in the log, also one that was refused: which policy
//! judged a call can then be told, and who could call when.

use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::call::{Clock, Closed, Outcome, Record, RecordSink};
use crate::identity::{Fault, Reading};
use crate::store::Writer;

/// The action of such a record.
const RELOADED: &str = "teams.reloaded";

/// Mistakes that a record names, and characters of one; all of them are in the gateway's own log.
const FAULTS: usize = 20;
const FAULT_CHARACTERS: usize = 300;

/// Writes down what becomes of `readings`, until `shutdown` and what was read until then.
pub async fn note_reloads(
    mut readings: UnboundedReceiver<Reading>,
    writer: Writer,
    clock: Clock,
    shutdown: CancellationToken,
) {
    loop {
        let reading = tokio::select! {
            biased;
            reading = readings.recv() => reading,
            () = shutdown.cancelled() => None,
        };
        let Some(reading) = reading else { return };
        let record = record(&reading, &clock);
        // Queued until the store takes it: the policy is in force already, and calls must not wait for this.
        writer.close(Closed { record, intended: false, answer: None, window: None });
    }
}

fn record(reading: &Reading, clock: &Clock) -> Record {
    let Reading { before, read, outcome } = reading;
    let about = match outcome {
        Ok(changes) => json!({ "before": before, "after": read, "changes": changes }),
        Err(_) => json!({ "before": before, "after": before, "refused": read }),
    };
    let mut record = Record::administrative(clock.now(), "reload", RELOADED, &about);
    if let Err(faults) = outcome {
        record.outcome = Outcome::Refused;
        record.detail.message = told(faults);
    }
    record
}

/// The mistakes, without the folder's path and without line breaks.
fn told(faults: &[Fault]) -> String {
    let told = faults.iter().take(FAULTS).map(|fault| {
        let name = fault.file.file_name().unwrap_or_default().to_string_lossy();
        let place = fault.place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        let text = format!("{name}{place}: {}", fault.message);
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(FAULT_CHARACTERS).collect::<String>()
    });
    let mut told: Vec<String> = told.collect();
    if faults.len() > FAULTS {
        told.push(format!("and {} more", faults.len() - FAULTS));
    }
    format!("the team files are wrong, those before stay in force. {}", told.join("; "))
}
