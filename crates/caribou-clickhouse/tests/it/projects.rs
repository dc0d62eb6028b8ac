//! Projects.

use caribou_clickhouse::Store;

use crate::database::{new_store, record};
use crate::fixture::rollout;

#[tokio::test]
async fn a_project_is_registered_once_however_often_it_is_asked_for() {
    let store = new_store().await;
    let odd = "it's a \\project\u{0}?";
    let both = tokio::join!(
        store.get_or_create_project(odd),
        store.get_or_create_project(odd)
    );
    let first = both.0.unwrap();
    assert_eq!(first.name, odd);
    assert!(first.created_at.is_some());
    let again = store.get_or_create_project(odd).await.unwrap();
    assert_eq!(store.get_or_create_project(odd).await.unwrap(), again);
    assert_eq!(store.list_projects(10, None).await.unwrap().items, [again]);
}

#[tokio::test]
async fn projects_are_listed_by_name_whether_registered_or_seen() {
    let store = new_store().await;
    record(&store, &[rollout(1), rollout(2)].concat()).await;
    for name in ["beta", "airline", "alpha"] {
        store.get_or_create_project(name).await.unwrap();
    }
    let names = |store: Store, limit, cursor: Option<String>| async move {
        let page = store.list_projects(limit, cursor.as_deref()).await.unwrap();
        let names: Vec<String> = page
            .items
            .iter()
            .map(|project| project.name.clone())
            .collect();
        (names, page.next_cursor)
    };
    assert_eq!(
        names(store.clone(), 10, None).await,
        (vec!["airline".into(), "alpha".into(), "beta".into()], None)
    );
    let (first, cursor) = names(store.clone(), 2, None).await;
    assert_eq!(first, ["airline", "alpha"]);
    assert_eq!(
        names(store.clone(), 2, cursor).await,
        (vec!["beta".into()], None)
    );
    let project = store.find_project("airline").await.unwrap().unwrap();
    assert_eq!(project.trace_count, 2);
    assert_eq!(
        project.last_trace_at.as_deref(),
        Some("2026-11-21T00:00:00.000000000Z")
    );
    assert_eq!(store.find_project("nobody").await.unwrap(), None);
}
