use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Error;
use super::identity::Identities;

/// Writes a kubeconfig for each identity. Each stands on its own, certificate included, and so can be copied anywhere.
pub(super) fn write(
    root: &Path,
    url: &str,
    certificate: &Path,
    identities: &Identities,
) -> Result<(), Error> {
    let certificate = fs::read(certificate).map_err(Error::io("read", certificate))?;
    for identity in identities.all() {
        let path = identity.kubeconfig(root);
        let content = render(url, &STANDARD.encode(&certificate), &identity.token);
        fs::write(&path, content).map_err(Error::io("write", &path))?;
    }
    Ok(())
}

fn render(url: &str, certificate: &str, token: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: testbed
  cluster:
    server: {url}
    certificate-authority-data: {certificate}
users:
- name: testbed
  user:
    token: {token}
contexts:
- name: testbed
  context:
    cluster: testbed
    user: testbed
current-context: testbed
"
    )
}
