//! The page of `flink-retention report` in a real browser: `make browser`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Run in a copy of the page: says what can be seen of it.
const PROBE: &str = "<script>
  const page = document.documentElement;
  document.body.setAttribute('data-seen', JSON.stringify({
    width: innerWidth,
    overflows: page.scrollWidth > page.clientWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    foreign: document.querySelectorAll('img, iframe, object, link, script').length - 1,
    bars: document.querySelectorAll('svg.bar rect.live').length,
    barWidth: document.querySelector('svg.bar rect.live').getBoundingClientRect().width,
  }));
</script></body>";

struct Browser {
    profile: tempfile::TempDir,
}

impl Browser {
    fn new() -> Self {
        Self {
            profile: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, page: &Path, arguments: &[&str]) -> Output {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let output = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--hide-scrollbars", "--enable-logging=stderr", &profile])
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .output()
            .expect("chromium, which shows the page; apt-get install chromium fonts-dejavu-core");
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// The page as the browser has it after it was loaded, and what it complained about.
    fn loaded(&self, page: &Path, arguments: &[&str]) -> (String, String) {
        let mut all = vec!["--dump-dom"];
        all.extend(arguments);
        let output = self.run(page, &all);
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// What the probe sees in a copy of the page that allows it.
    fn seen(&self, arguments: &[&str]) -> serde_json::Value {
        let allowed = page().replace("Content-Security-Policy", "x");
        let copy = self.profile.path().join("probed.html");
        fs::write(&copy, allowed.replace("</body>", PROBE)).unwrap();
        let (loaded, _) = self.loaded(&copy, arguments);
        let (_, seen) = loaded.split_once("data-seen=\"").expect(&loaded);
        let (seen, _) = seen.split_once('"').unwrap();
        serde_json::from_str(&seen.replace("&quot;", "\"")).unwrap()
    }
}

/// Of the fixture, which has a hostile name in every place that storage or a tenant can fill.
fn page() -> String {
    fs::read_to_string(fixture()).unwrap()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/report.html")
}

#[test]
#[ignore = "make browser"]
fn the_page_is_shown_as_it_is_meant() {
    let browser = Browser::new();
    let light = browser.seen(&["--window-size=1200,900"]);
    assert_eq!(light["paper"], "rgb(255, 255, 255)", "{light}");
    assert_eq!(light["foreign"], 0, "{light}");
    assert_eq!(light["bars"], 5, "{light}");
    assert!(light["barWidth"].as_f64().unwrap() > 100.0, "{light}");

    let dark = browser.seen(&[
        "--window-size=1200,900",
        "--blink-settings=preferredColorScheme=0",
    ]);
    assert_eq!(dark["paper"], "rgb(20, 23, 27)", "{dark}");

    let phone = browser.seen(&["--window-size=500,900"]);
    assert_eq!(phone["width"], 500, "{phone}");
    assert_eq!(phone["overflows"], false, "{phone}");
}

#[test]
#[ignore = "make browser"]
fn its_policy_lets_its_style_in_and_nothing_else() {
    let browser = Browser::new();
    let (_, complaints) = browser.loaded(&fixture(), &[]);
    assert!(
        !complaints.contains("Content Security Policy"),
        "{complaints}"
    );

    let attacked = browser.profile.path().join("attacked.html");
    fs::write(&attacked, page().replace("</body>", PROBE)).unwrap();
    let (loaded, complaints) = browser.loaded(&attacked, &[]);
    assert!(!loaded.contains("data-seen=\""), "a script ran");
    assert!(
        complaints.contains("Content Security Policy"),
        "{complaints}"
    );
}

/// Left beside the build, for a person.
#[test]
#[ignore = "make browser"]
fn it_can_be_looked_at_and_printed() {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&pictures).unwrap();
    let browser = Browser::new();
    for (name, more) in [
        ("light", &["--window-size=1200,2600"] as &[&str]),
        (
            "dark",
            &[
                "--window-size=1200,2600",
                "--blink-settings=preferredColorScheme=0",
            ],
        ),
        ("phone", &["--window-size=500,4000"]),
    ] {
        let picture = pictures.join(format!("{name}.png"));
        let _ = fs::remove_file(&picture);
        let into = format!("--screenshot={}", picture.display());
        let mut all = vec![into.as_str()];
        all.extend(more);
        browser.run(&fixture(), &all);
        assert!(
            fs::metadata(&picture).unwrap().len() > 50_000,
            "{name} is empty"
        );
        println!("{}", picture.display());
    }
    let paper = pictures.join("paper.pdf");
    let into = format!("--print-to-pdf={}", paper.display());
    browser.run(&fixture(), &[&into, "--no-pdf-header-footer"]);
    assert!(fs::metadata(&paper).unwrap().len() > 20_000);
}
