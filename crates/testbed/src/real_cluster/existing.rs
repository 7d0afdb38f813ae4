use std::env;
use std::path::PathBuf;

/// A cluster that is there already.
#[derive(Debug)]
pub struct Existing {
    pub(super) kubeconfig: PathBuf,
}

/// The file that names it, if somebody set one.
pub(super) fn kubeconfig() -> Option<PathBuf> {
    env::var_os("KUBECONFIG")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}
