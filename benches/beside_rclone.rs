//! Listing and deleting in a bucket of a real store, beside `rclone` on the same store, in turns, with the requests that the
//! store has counted. `docs/performance.md` has what came of it.
//!
//! `cargo bench --bench beside_rclone`; with another number of files: `FILES=1000000 cargo bench --bench beside_rclone`.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement that cannot be made has no result"
)]

#[path = "beside_rclone/bucket.rs"]
mod bucket;
#[path = "beside_rclone/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::time::Duration;

use bucket::Bucket;
use program::{Took, ours, rclone};
use testbed::object_store::S3Server;

/// Each thing is done so often, in turns; the median counts.
const ROUNDS: usize = 3;
/// Of rclone, whose default is eight.
const AT_ONCE: [&str; 2] = ["8", "64"];
/// So short that it is over before the second command.
const GRACE: &str = "1s";

type Times = BTreeMap<String, Vec<Took>>;

fn main() {
    let files = std::env::var("FILES").map_or(100_000, |text| text.parse().unwrap());
    let server = S3Server::start().unwrap();
    let bucket = Bucket::make(&server, "state", files);
    println!(
        "{files} files of {} jobs, a tenth of which nothing names",
        bucket.jobs()
    );

    println!("listing: a plan with a line for each file, and the names alone by rclone");
    let mut times = Times::new();
    for _ in 0..ROUNDS {
        list(&server, &bucket, &mut times);
    }
    show(times, files);
    println!(
        "  the least that the store allows: {} listings, and {} reads for what names the files",
        (files + bucket.jobs()).div_ceil(1000),
        bucket.jobs()
    );

    println!("deleting the {} that nothing names", bucket.unnamed().len());
    let only = Bucket::make(&server, "garbage", files / 10);
    let mut times = Times::new();
    for _ in 0..ROUNDS {
        delete(&server, &bucket, &only, &mut times);
    }
    show(times, files / 10);
}

fn list(server: &S3Server, bucket: &Bucket, times: &mut Times) {
    note(
        times,
        "flink-retention plan",
        ours("plan", &[]).time(server, bucket),
    );
    let in_one_go = rclone("lsf", &["--recursive", "--files-only"]);
    note(
        times,
        "rclone lsf, in one go",
        in_one_go.time(server, bucket),
    );
    for at_once in AT_ONCE {
        let by_directory = ["--recursive", "--files-only", "--disable", "ListR"];
        let listed = rclone("lsf", &by_directory).at_once(at_once);
        note(
            times,
            &format!("rclone lsf, {at_once} directories at once"),
            listed.time(server, bucket),
        );
    }
}

fn delete(server: &S3Server, bucket: &Bucket, only: &Bucket, times: &mut Times) {
    // An earlier run has marked them, as it would have in production.
    let arguments = ["--yes", "--grace-period", GRACE];
    ours("prune", &arguments).time(server, bucket);
    std::thread::sleep(Duration::from_secs(2));
    let pruned = ours("prune", &arguments).time(server, bucket);
    assert_eq!(bucket.files(), bucket.named(), "what was deleted");
    note(times, "flink-retention prune", pruned);
    bucket.fill(server);

    let list = bucket.list_of_unnamed();
    let from_list = rclone(
        "delete",
        &["--files-from-raw", list.path().to_str().unwrap()],
    );
    let told = from_list.at_once("64").time(server, bucket);
    assert_eq!(bucket.files(), bucket.named(), "what was deleted");
    note(times, "rclone delete, told which, 64 at once", told);
    bucket.fill(server);

    for at_once in AT_ONCE {
        let took = rclone("delete", &[]).at_once(at_once).time(server, only);
        assert_eq!(only.files(), 0, "what was deleted");
        note(
            times,
            &format!("rclone delete of a bucket, {at_once} at once"),
            took,
        );
        only.fill(server);
    }
}

fn note(times: &mut Times, who: &str, took: Took) {
    println!("    {who}: {:.2?}", took.time);
    times.entry(who.to_owned()).or_default().push(took);
}

fn show(times: Times, files: usize) {
    for (who, mut took) in times {
        took.sort_by_key(|took| took.time);
        let Took {
            time,
            mebibytes,
            requests,
        } = &took[took.len() / 2];
        let requests: Vec<String> = requests
            .iter()
            .map(|(action, count)| format!("{count} {action}"))
            .collect();
        println!(
            "  {who:38} {time:8.2?}  {:7.0} files a second, {mebibytes:4} MiB; {}",
            files as f64 / time.as_secs_f64(),
            requests.join(", ")
        );
    }
}
