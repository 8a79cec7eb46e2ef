//! The program: prepares what belongs to the process, parses the command line, hands over.

use std::process::ExitCode;

use dts_gateway::cli::{self, Surroundings};
use mimalloc::MiMalloc;

/// Under many small allocations of many threads it holds less memory than the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // One cryptographic backend, named here, so that no dependency's default can add a second one. Neither fails: nobody
    // has installed another before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    cli::main(std::env::args_os(), Surroundings::new(variables))
}
