use opendal::Metadata;

/// What Hadoop, and Azure itself in a hierarchical namespace, notes of the empty object that stands for a directory.
const MARK: &str = "hdi_isfolder";

/// Whether this is such an object.
pub(in crate::object) fn is_one(metadata: &Metadata) -> bool {
    let notes = metadata.user_metadata().into_iter().flatten();
    let mut marks = notes.filter(|(name, _)| name.eq_ignore_ascii_case(MARK));
    metadata.content_length() == 0 && marks.any(|(_, value)| value.eq_ignore_ascii_case("true"))
}
