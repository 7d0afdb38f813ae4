use super::{Fixture, is_absent, key, list};
use crate::port::RemovedDirectory;

pub async fn what_is_not_there_is_absent_and_not_an_error(fixture: &dyn Fixture) {
    let store = fixture.store();
    fixture.write(&key("there/file"), b"1").await;
    let version = super::version(&*store, &key("there/file")).await;
    for missing in ["nothing", "there/nothing", "no/such/directory"] {
        let missing = key(missing);
        assert_eq!(store.stat(&missing).await.unwrap(), None);
        assert!(is_absent(
            &store.delete_if_unchanged(&missing, &version).await.unwrap()
        ));
        assert_eq!(
            store.remove_empty_directory(&missing).await.unwrap(),
            RemovedDirectory::AlreadyGone
        );
        assert_eq!(
            store.read(&missing, 10).await.unwrap_err().category(),
            "not_found"
        );
        assert_eq!(
            store
                .read_range(&missing, 0, 10)
                .await
                .unwrap_err()
                .category(),
            "not_found"
        );
    }
    assert_eq!(list(&*store, &key("there")).await.unwrap().len(), 1);
}

pub async fn errors_name_the_full_path(fixture: &dyn Fixture) {
    let store = fixture.store();
    let missing = key("job/chk-7/_metadata");
    let error = store.read(&missing, 10).await.unwrap_err();
    assert_eq!(error.path(), store.location(&missing));
    assert!(
        error.to_string().contains(&store.location(&missing)),
        "{error}"
    );
    assert!(store.location(&missing).ends_with("job/chk-7/_metadata"));
}
