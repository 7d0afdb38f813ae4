use std::env::consts;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;
use crate::cache::{self, Key};

/// A Go module below `tests/tools` that pins programs, and how to build them.
pub(super) struct GoModule {
    pub name: &'static str,
    pub directory: &'static str,
    /// The program's name, and the package that it is built from.
    pub packages: &'static [(&'static str, &'static str)],
    pub takes: &'static str,
}

impl GoModule {
    /// The directory with the programs.
    pub(super) fn build(&self) -> Result<PathBuf, Error> {
        let module = module_directory(self.directory);
        let linker_flags = linker_flags(&module)?;
        let mut key = Key::new()
            .text(consts::OS)
            .text(consts::ARCH)
            .text(&linker_flags)
            .file(&module.join("go.mod"))?
            .file(&module.join("go.sum"))?;
        for (program, package) in self.packages {
            key = key.text(program).text(package);
        }
        let programs: Vec<&str> = self.packages.iter().map(|(program, _)| *program).collect();
        let announce = format!(
            "building {} with Go, once; this takes {} (network and CPU)",
            programs.join(", "),
            self.takes
        );
        let built = cache::artefact(self.name, &key, &announce, |directory| {
            self.go_build(&module, &linker_flags, directory)
        })?;
        Ok(built)
    }

    fn go_build(&self, module: &Path, linker_flags: &str, directory: &Path) -> Result<(), Error> {
        let status = Command::new("go")
            .arg("build")
            .args([
                "-buildvcs=false",
                "-mod=readonly",
                "-trimpath",
                "-ldflags",
                linker_flags,
                "-o",
            ])
            .arg(directory)
            .args(self.packages.iter().map(|(_, package)| package))
            .current_dir(module)
            // Static programs: no C compiler needed. A workspace around the clone must not change the pins.
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .status()
            .map_err(started(module))?;
        if !status.success() {
            return Err(Error::GoBuild {
                module: module.to_owned(),
                status,
            });
        }
        for (program, package) in self.packages {
            let built = directory.join(default_name(package));
            fs::rename(built, directory.join(program)).map_err(unusable(module))?;
        }
        Ok(())
    }
}

/// A directory of `tests/tools`.
pub(super) fn module_directory(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools")).join(name)
}

/// What `go build` calls the program of a package: the last part of its path that is not a major version.
fn default_name(package: &str) -> &str {
    package
        .rsplit('/')
        .find(|part| {
            !part
                .strip_prefix('v')
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .unwrap_or(package)
}

/// Without a version of its own, the API server says v0.0.0 and Helm's `kubeVersion` checks fail.
fn linker_flags(module: &Path) -> Result<String, Error> {
    let file = module.join("go.mod");
    let pins = fs::read_to_string(&file).map_err(unusable(module))?;
    let Some(version) = pinned(&pins, "k8s.io/kubernetes") else {
        return Ok("-s -w".to_owned());
    };
    let mut parts = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        return Err(Error::NotPinned {
            module: file,
            requirement: "k8s.io/kubernetes at a release like v1.33.0",
        });
    };
    Ok(format!(
        "-s -w -X k8s.io/component-base/version.gitVersion={version} \
         -X k8s.io/component-base/version.gitMajor={major} -X k8s.io/component-base/version.gitMinor={minor}"
    ))
}

pub(super) fn pinned<'a>(pins: &'a str, module: &str) -> Option<&'a str> {
    pins.lines().find_map(|line| {
        let mut words = line
            .trim_start()
            .trim_start_matches("require ")
            .split_whitespace();
        (words.next() == Some(module))
            .then(|| words.next())
            .flatten()
    })
}

/// Go could not be started.
pub(super) fn started(module: &Path) -> impl FnOnce(io::Error) -> Error {
    let module = module.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::GoMissing,
        _ => unusable(&module)(source),
    }
}

pub(super) fn unusable(module: &Path) -> impl FnOnce(io::Error) -> Error {
    let module = module.to_owned();
    move |source| Error::GoUnusable { module, source }
}

#[cfg(test)]
mod tests {
    use super::{default_name, pinned};

    #[test]
    fn program_names_are_those_of_go_build() {
        assert_eq!(default_name("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(default_name("helm.sh/helm/v3/cmd/helm"), "helm");
    }

    #[test]
    fn the_pinned_version_is_found_in_a_block_and_on_one_line() {
        assert_eq!(
            pinned(
                "require (\n\tk8s.io/kubernetes v1.2.3\n)",
                "k8s.io/kubernetes"
            ),
            Some("v1.2.3")
        );
        assert_eq!(pinned("require a/b v1.0.0", "a/b"), Some("v1.0.0"));
        assert_eq!(
            pinned("\tk8s.io/kubernetes/cmd/kubectl\n", "k8s.io/kubernetes"),
            None
        );
    }
}
