//! Puts the committed provider tables into the binary: whatever folder lies under `config/providers` is a version.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "the environment is how cargo speaks to a build script")]
fn main() -> io::Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let providers = Path::new(&manifest).join("config").join("providers");
    println!("cargo::rerun-if-changed={}", providers.display());

    let mut list = String::from("&[\n");
    for folder in sorted(&providers)? {
        if !folder.is_dir() {
            continue;
        }
        for file in sorted(&folder)? {
            if file.extension().is_some_and(|extension| extension == "toml") {
                let (folder, name) = (name(&folder)?, name(&file)?);
                let path = file.display().to_string();
                writeln!(list, "    ({folder:?}, {name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
            }
        }
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("provider_tables.rs"), list)
}

fn sorted(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> io::Result<&str> {
    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| io::Error::other("a table's name is not UTF-8"))
}
