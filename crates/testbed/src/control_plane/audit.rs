use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Error;

pub(super) const POLICY: &str = "audit-policy.yaml";
pub(super) const LOG: &str = "audit.log";

/// Who asked for what, of service accounts only. A watch is written down when it begins.
const CONTENT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: [\"system:serviceaccounts\"]
- level: None
";

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// With its subresource: `retentionruns/status`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// HTTP status.
    pub code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: Option<Object>,
    #[serde(default)]
    response_status: Option<Status>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

pub(super) fn write_policy(root: &Path) -> Result<(), Error> {
    let path = root.join(POLICY);
    fs::write(&path, CONTENT).map_err(Error::io("write", path))
}

pub(super) fn requests_of(root: &Path, namespace: &str, name: &str) -> Result<Vec<Request>, Error> {
    let path = root.join(LOG);
    let log = fs::read_to_string(&path).map_err(Error::io("read", path))?;
    let user = format!("system:serviceaccount:{namespace}:{name}");
    // The last line may still be written.
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok());
    Ok(events
        .filter(|event| event.user.username == user)
        .filter_map(request)
        .collect())
}

/// None of what is no resource, such as a health check.
fn request(event: Event) -> Option<Request> {
    let Object {
        api_group,
        resource,
        subresource,
        namespace,
        name,
    } = event.object_ref?;
    let resource = if subresource.is_empty() {
        resource
    } else {
        format!("{resource}/{subresource}")
    };
    Some(Request {
        verb: event.verb,
        group: api_group,
        resource,
        namespace,
        name,
        code: event.response_status.map_or(0, |status| status.code),
    })
}
