//! Plain words as Markdown.

/// As a cell of a table: what Markdown or HTML would take for its own stays what it is, but for `code`.
pub(crate) fn cell(text: &str) -> String {
    let mut cell = String::new();
    let mut in_code = false;
    for c in text.trim().chars() {
        match c {
            '`' => in_code = !in_code,
            '\n' => {
                cell.push(' ');
                continue;
            }
            '|' => cell.push('\\'),
            '*' | '_' | '[' | ']' if !in_code => cell.push('\\'),
            '<' if !in_code => {
                cell.push_str("&lt;");
                continue;
            }
            _ => {}
        }
        cell.push(c);
    }
    cell
}

/// With a capital letter and a full stop, so that several can follow each other.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?', ':']) || text.is_empty() {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

#[test]
fn words_of_markdown_stay_words() {
    assert_eq!(
        cell("`a_b|c` <FILE> _x_ *"),
        "`a_b\\|c` &lt;FILE> \\_x\\_ \\*"
    );
    assert_eq!(sentence("write a name"), "Write a name.");
}
