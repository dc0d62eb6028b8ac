//! Which binaries a project has stored. The bytes themselves are in an object store.

use super::statement::Statement;
use super::{Result, Store};
use crate::images::ImageRow;

impl Store {
    /// Records binaries in one durable insert. Recording one again changes nothing: its first row stays.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn record_images(&self, images: &[ImageRow]) -> Result<()> {
        if images.is_empty() {
            return Ok(());
        }
        let mut insert = self.client.insert::<ImageRow>("images").await?;
        for image in images {
            insert.write(image).await?;
        }
        Ok(insert.end().await?)
    }

    /// A binary by its hash, where the project has stored it; where no project is given, the first that did.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn find_image(&self, project: Option<&str>, hash: &str) -> Result<Option<ImageRow>> {
        let mut sql = Statement::new(
            "SELECT toString(project) AS project, hash, toString(mime) AS mime, bytes, width, height \
             FROM images WHERE hash = ?",
        );
        sql.bind(hash);
        if let Some(project) = project {
            sql.push(" AND images.project = ?").bind(project);
        }
        sql.push(" ORDER BY revision DESC LIMIT 1");
        Ok(sql.query(&self.client).fetch_optional().await?)
    }
}
