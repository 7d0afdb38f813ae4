//! `--owner-id`, as every command takes it.

/// Who acts. An empty name would be that of everybody who left it empty, and then nobody is kept from what others own.
pub(crate) fn owner_id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty; say who acts here".to_owned());
    }
    Ok(text.to_owned())
}
