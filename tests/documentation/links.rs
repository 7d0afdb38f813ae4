//! Links between pages lead to files and headings that are there. Those to elsewhere are looked at only for their form: a
//! test that needs the whole Internet would fail for others' reasons.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::pages::{Page, pages, repository};

/// The targets of `[text](target)`, each with its line.
fn targets(page: &Page) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (number, line) in page.prose() {
        // What is code is no link.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("");
        for rest in plain.split("](").skip(1) {
            let (target, _) = rest
                .split_once(')')
                .unwrap_or_else(|| panic!("{}:{number}: a link without an end", page.path));
            targets.push((number, target.to_owned()));
        }
    }
    targets
}

/// Without `.` and `..`; none if it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => normal.pop().then_some(())?,
            Component::CurDir => {}
            component => normal.push(component),
        }
    }
    Some(normal)
}

fn trouble(page: &Page, target: &str, anchors: &BTreeMap<PathBuf, Vec<String>>) -> Option<String> {
    if let Some(rest) = target.strip_prefix("https://") {
        let well_formed = rest.contains('.') && target.parse::<hyper::Uri>().is_ok();
        return (!well_formed).then(|| "is no address".to_owned());
    }
    if target.contains("://") || target.starts_with('/') {
        return Some("is neither https:// nor a relative path".to_owned());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let own = Path::new(&page.path);
    let file = if file.is_empty() {
        own.to_owned()
    } else {
        own.parent().unwrap().join(file)
    };
    let Some(file) = normal(&file) else {
        return Some("leads out of the repository".to_owned());
    };
    if !repository().join(&file).exists() {
        return Some("there is no such file".to_owned());
    }
    let known = anchors
        .get(&file)
        .is_some_and(|known| known.iter().any(|known| known == anchor));
    (!anchor.is_empty() && !known).then(|| format!("{} has no heading for it", file.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors = pages
        .iter()
        .map(|page| (PathBuf::from(&page.path), page.anchors()))
        .collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in &pages {
        for (line, target) in targets(page) {
            seen += 1;
            if let Some(why) = trouble(page, &target, &anchors) {
                wrong.push(format!("{}:{line}: {target}: {why}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 200, "{seen}");
}

#[test]
fn what_leads_nowhere_is_told() {
    let page = Page {
        path: "docs/safety.md".to_owned(),
        text: "# There\n".to_owned(),
    };
    let anchors = BTreeMap::from([
        (PathBuf::from("docs/safety.md"), page.anchors()),
        (PathBuf::from("README.md"), Vec::new()),
    ]);
    for fine in [
        "https://flink.apache.org/x",
        "#there",
        "../README.md",
        "../examples",
    ] {
        assert_eq!(trouble(&page, fine, &anchors), None, "{fine}");
    }
    for wrong in [
        "http://a.b",
        "https://nowhere",
        "/docs/a.md",
        "#nowhere",
        "b.md",
        "../README.md#x",
        "../../x",
    ] {
        assert!(trouble(&page, wrong, &anchors).is_some(), "{wrong}");
    }
}
