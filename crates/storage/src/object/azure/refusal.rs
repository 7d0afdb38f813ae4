use serde::Deserialize;

/// What Azure says when it refuses something.
#[derive(Deserialize)]
#[serde(rename = "Error", rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

/// Missing objects, and what they would be in.
const MISSING: [&str; 4] = [
    "BlobNotFound",
    "PathNotFound",
    "ContainerNotFound",
    "ResourceNotFound",
];

/// What keeps an object from being changed, whatever its contents.
const OBJECTIONS: [(&str, &str); 6] = [
    (
        "SnapshotsPresent",
        "it has snapshots, which are never deleted with it (SnapshotsPresent): delete them first, or let a lifecycle rule do so",
    ),
    (
        "LeaseIdMissing",
        "somebody holds a lease on it (LeaseIdMissing): end the lease, or wait until it has run out",
    ),
    (
        "BlobImmutableDueToPolicy",
        "an immutability policy protects it (BlobImmutableDueToPolicy): wait until its time is over",
    ),
    (
        "BlobImmutableDueToLegalHold",
        "a legal hold protects it (BlobImmutableDueToLegalHold)",
    ),
    (
        "PendingCopyOperation",
        "it is still being copied (PendingCopyOperation)",
    ),
    (
        "DirectoryIsNotEmpty",
        "it is a directory with something in it (DirectoryIsNotEmpty)",
    ),
];

/// Whether it is the store that says that something is missing.
pub(in crate::object) fn says_that_it_is_missing(body: &[u8]) -> bool {
    code(body).is_some_and(|code| MISSING.contains(&code.as_str()))
}

/// Why the object stays as it is, where that has nothing to do with its contents.
pub(in crate::object) fn objection(body: &[u8]) -> Option<&'static str> {
    let code = code(body)?;
    let known = OBJECTIONS.into_iter().find(|(name, _)| *name == code);
    known.map(|(_, why)| why)
}

fn code(body: &[u8]) -> Option<String> {
    let refusal = quick_xml::de::from_reader::<_, Refusal>(body);
    refusal.ok().map(|refusal| refusal.code)
}
