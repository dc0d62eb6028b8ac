//! Which binaries a project has stored.

use caribou_clickhouse::ImageRow;

use crate::database::new_store;

fn image(project: &str, hash: &str, mime: &str) -> ImageRow {
    ImageRow {
        project: project.to_owned(),
        hash: hash.to_owned(),
        mime: mime.to_owned(),
        bytes: 70,
        width: Some(2),
        height: None,
    }
}

#[tokio::test]
async fn a_binary_is_found_by_the_projects_that_stored_it_and_no_other() {
    let store = new_store().await;
    let rows = [
        image("airline", "aa", "image/png"),
        image("it's \\ odd", "bb", "audio/wav"),
    ];
    store.record_images(&rows).await.unwrap();
    store.record_images(&[]).await.unwrap();
    for row in &rows {
        let found = store.find_image(Some(&row.project), &row.hash).await;
        assert_eq!(found.unwrap().as_ref(), Some(row));
        assert_eq!(
            store.find_image(None, &row.hash).await.unwrap().as_ref(),
            Some(row)
        );
    }
    let others = store.find_image(Some("airline"), "bb").await.unwrap();
    assert_eq!(others, None);
    assert_eq!(store.find_image(None, "cc").await.unwrap(), None);
}

#[tokio::test]
async fn of_one_binary_that_is_recorded_again_the_first_row_stays() {
    let store = new_store().await;
    for mime in ["text/csv", "text/html"] {
        let row = image("airline", "aa", mime);
        store.record_images(&[row]).await.unwrap();
    }
    let found = store.find_image(Some("airline"), "aa").await.unwrap();
    assert_eq!(found.unwrap().mime, "text/csv");
}
