//! Images without a builder: programs of this machine, and the libraries that they load.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::Error;

/// What a container is made from.
#[derive(Clone, Debug)]
pub struct Image {
    /// With registry and tag.
    pub name: String,
    /// Files and directories of this machine, and where the container has them.
    pub files: Vec<(PathBuf, String)>,
    /// As in an image's configuration: `User`, `Entrypoint`, `Cmd`, `Env`.
    pub configuration: Value,
}

impl Image {
    /// Programs in the path of this machine, as the container's `/bin`.
    pub fn of_programs(name: &str, programs: &[&str], configuration: Value) -> Result<Self, Error> {
        let files = programs
            .iter()
            .map(|program| {
                let file = super::requirements::found(program).ok_or_else(|| Error::Missing {
                    what: format!("an image needs `{program}`, which is not in the path"),
                    remedy: "install it",
                })?;
                Ok((file, format!("/bin/{program}")))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            name: name.to_owned(),
            files,
            configuration,
        })
    }

    /// Writes it as `docker save` would.
    pub(super) fn write(&self, archive: &Path) -> Result<(), Error> {
        let failed = |source| Error::io("write", archive)(source);
        let layer = archive.with_extension("layer");
        self.write_layer(&layer)?;
        let configuration = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": self.configuration,
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer)?)]},
        });
        let manifest = json!([
            {"Config": "config.json", "RepoTags": [self.name], "Layers": ["layer.tar"]},
        ]);
        let mut tar = Builder::new(File::create(archive).map_err(failed)?);
        append(
            &mut tar,
            "config.json",
            configuration.to_string().as_bytes(),
            0o644,
        )
        .map_err(failed)?;
        tar.append_path_with_name(&layer, "layer.tar")
            .map_err(failed)?;
        append(
            &mut tar,
            "manifest.json",
            manifest.to_string().as_bytes(),
            0o644,
        )
        .map_err(failed)?;
        tar.into_inner().map_err(failed)?;
        fs::remove_file(&layer).map_err(failed)
    }

    fn write_layer(&self, layer: &Path) -> Result<(), Error> {
        let failed = |source| Error::io("write", layer)(source);
        let mut tar = Builder::new(File::create(layer).map_err(failed)?);
        directory(&mut tar, "tmp", 0o1777).map_err(failed)?;
        append(
            &mut tar,
            "etc/passwd",
            b"root:x:0:0::/:\nflink:x:9999:9999::/:\n",
            0o644,
        )
        .map_err(failed)?;
        append(&mut tar, "etc/group", b"root:x:0:\nflink:x:9999:\n", 0o644).map_err(failed)?;
        let mut libraries = BTreeSet::new();
        for (file, inside) in &self.files {
            if file.is_dir() {
                let inside = inside.trim_start_matches('/');
                tar.append_dir_all(inside, file).map_err(failed)?;
                continue;
            }
            libraries.extend(libraries_of(file)?);
            program(&mut tar, file, inside)?;
        }
        for library in &libraries {
            program(&mut tar, library, &library.to_string_lossy())?;
        }
        tar.into_inner().map(drop).map_err(failed)
    }
}

/// As images call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The libraries that a program loads, the loader among them; none if it is static.
fn libraries_of(program: &Path) -> Result<Vec<PathBuf>, Error> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .map_err(Error::io("run ldd on", program))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text.lines().filter_map(|line| {
        let target = line.split_once(" => ").map_or(line, |(_, target)| target);
        let path = target.split_whitespace().next()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    });
    Ok(paths.collect())
}

fn program<W: std::io::Write>(
    tar: &mut Builder<W>,
    file: &Path,
    inside: &str,
) -> Result<(), Error> {
    let bytes = fs::read(file).map_err(Error::io("read", file))?;
    append(tar, inside.trim_start_matches('/'), &bytes, 0o755).map_err(Error::io("pack", file))
}

fn append<W: std::io::Write>(
    tar: &mut Builder<W>,
    path: &str,
    bytes: &[u8],
    mode: u32,
) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes)
}

fn directory<W: std::io::Write>(
    tar: &mut Builder<W>,
    path: &str,
    mode: u32,
) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(mode);
    header.set_size(0);
    tar.append_data(&mut header, path, std::io::empty())
}

fn digest(file: &Path) -> Result<String, Error> {
    let failed = |source| Error::io("read", file)(source);
    let mut input = File::open(file).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = input.read(&mut buffer).map_err(failed)?;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => hasher.update(bytes),
            _ => break,
        }
    }
    let mut digest = String::new();
    for byte in hasher.finalize() {
        let _ = write!(digest, "{byte:02x}");
    }
    Ok(digest)
}
