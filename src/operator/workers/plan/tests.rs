#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

/// Of `path=claim/sub/path`, read-only with a `!` at its end.
fn pod(deployment: &str, mounts: &[&str]) -> JobPod {
    let mounts = mounts.iter().map(|mount| {
        let (path, place) = mount.split_once('=').unwrap();
        let (claim, sub_path) = place.split_once('/').unwrap_or((place, ""));
        ClaimMount {
            path: path.to_owned(),
            claim: claim.trim_end_matches('!').to_owned(),
            sub_path: sub_path.trim_end_matches('!').to_owned(),
            read_only: place.ends_with('!'),
        }
    });
    JobPod {
        deployment: deployment.to_owned(),
        service_account: Some(format!("{deployment}-account")),
        mounts: mounts.collect(),
        file_user: FileUser::of_flink(),
        tolerations: Vec::new(),
    }
}

fn base(text: &str) -> Location {
    let origin = Origin {
        namespace: Some("flink".to_owned()),
        ..Origin::default()
    };
    Location::parse(text, &origin).unwrap()
}

fn plan(pods: &[JobPod], base_text: &str) -> Result<WorkerPlan, NoWorker> {
    let access = [
        ("one", Access::OneNode),
        ("two", Access::OneNode),
        ("many", Access::ManyNodes),
        ("single", Access::OnePod),
    ];
    let access = access.map(|(claim, access)| (claim.to_owned(), access));
    WorkerPlan::new(None, pods, &[base(base_text)], &access.into())
}

fn paths(plan: &WorkerPlan) -> Vec<&str> {
    plan.mounts
        .iter()
        .map(|mount| mount.path.as_str())
        .collect()
}

#[test]
fn it_mounts_what_the_jobs_need_and_of_others_what_is_in_nobodys_way() {
    let pods = [
        pod("a", &["/a=one", "/ha=many"]),
        pod("b", &["/b=two", "/c=single", "/d=unknown"]),
    ];
    let planned = plan(&pods, "file:/a/ckp").unwrap();
    assert_eq!(paths(&planned), ["/a", "/ha"]);
    assert_eq!(planned.service_account, "a-account");
    let claims = [("many".to_owned(), false), ("one".to_owned(), true)];
    assert_eq!(planned.claims, claims.into());

    let parsed = |text| Location::parse(text, &planned.origin("flink")).unwrap();
    assert!(planned.reaches(&parsed("file:/a/ckp")));
    assert!(!planned.reaches(&parsed("file:/b/ckp")));
    assert!(!planned.reaches(&parsed("file:/abc")));
    assert!(!planned.reaches(&parsed("s3://a/a")));
}

#[test]
fn what_a_policy_needs_must_be_there_and_free() {
    let pods = [pod("a", &["/a=single", "/b=unknown", "/c=one"])];
    let claim = || "single".to_owned();
    let exclusive = NoWorker::VolumeExclusive { claim: claim() };
    assert_eq!(plan(&pods, "file:/a/ckp"), Err(exclusive));
    let claim = "unknown".to_owned();
    assert_eq!(
        plan(&pods, "file:/b"),
        Err(NoWorker::ClaimNotFound { claim })
    );
    assert_eq!(paths(&plan(&pods, "file:/c").unwrap()), ["/c"]);
    // On no claim: nothing is mounted for it, and it is not reached.
    let nothing = plan(&pods, "file:/elsewhere").unwrap();
    assert_eq!(nothing.mounts, []);
}

#[test]
fn a_path_means_one_place_in_the_whole_namespace() {
    let differ = [
        ["/a=one", "/a=two"],
        ["/a=one", "/a=one/sub"],
        ["/a=one", "/a/b=two"],
        ["/a/b=one", "/a=two"],
        ["/a=one", "/a/b=one"],
    ];
    for [one, other] in differ {
        let pods = [pod("a", &[one]), pod("b", &[other])];
        let error = plan(&pods, "file:/elsewhere").unwrap_err();
        assert_eq!(error.word(), Reason::VolumesDiffer, "{one} {other}");
    }
    let agree = [
        ["/a=one", "/a=one"],
        ["/a=one", "/b=two"],
        ["/a=one", "/a/b=one/b"],
        ["/a=one", "/b=one/sub"],
        ["/a=one", "/ab=two"],
    ];
    for [one, other] in agree {
        let pods = [pod("a", &[one]), pod("b", &[other])];
        plan(&pods, "file:/elsewhere").unwrap();
    }
}

#[test]
fn users_must_agree_where_they_share_a_worker() {
    let mut other = pod("b", &["/b=two"]);
    other.file_user.user = 1000;
    let pods = [pod("a", &["/a=one"]), other];
    plan(&pods, "file:/a").unwrap();
    let mut sharing = pods;
    sharing[1].mounts = pod("b", &["/a=one"]).mounts;
    let error = plan(&sharing, "file:/a").unwrap_err();
    assert_eq!(error.word(), Reason::UsersDiffer);
}

#[test]
fn what_all_may_only_read_is_only_read() {
    for (one, other, read_only) in [
        ("/a=one!", "/a=one!", true),
        ("/a=one!", "/a=one", false),
        ("/a=one", "/a=one!", false),
    ] {
        let pods = [pod("a", &[one]), pod("b", &[other])];
        assert_eq!(
            plan(&pods, "file:/a").unwrap().mounts[0].read_only,
            read_only
        );
    }
}

#[test]
fn what_the_operator_mounts_itself_is_found() {
    let planned = plan(&[pod("a", &["/a/b=one"])], "file:/a/b").unwrap();
    for (mounted, found) in [
        ("/a", true),
        ("/a/b", true),
        ("/a/b/c", true),
        ("/a/bc", false),
        ("/b", false),
    ] {
        assert_eq!(
            meets(&[mounted.to_owned()], &planned).is_some(),
            found,
            "{mounted}"
        );
    }
}
