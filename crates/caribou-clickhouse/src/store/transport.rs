//! Inserts of raw blocks over HTTP.
//!
//! The official client neither shows the summary of an insert nor its HTTP status, and both decide here whether rows
//! may be acknowledged. Blocks go out as they are, frame by frame, without being joined.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::error::{Result, StoreError, error_from_server};
use super::http::{Connector, client_builder};
use crate::connection::Connection;

/// Sends inserts to one server and reads what it says it has written.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: Client<Connector, Blocks>,
    connection: Connection,
    url: Url,
}

/// The part of `X-ClickHouse-Summary` that counts.
#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    written_rows: String,
}

impl Transport {
    pub(super) fn new(connection: &Connection, url: Url, connector: Connector) -> Self {
        Self {
            client: client_builder().build(connector),
            connection: connection.clone(),
            url,
        }
    }

    /// Sends one insert; answers with the number of rows written as the server counted them.
    pub(super) async fn insert(
        &self,
        sql: &str,
        settings: &[(&str, &str)],
        blocks: &[Bytes],
    ) -> Result<Option<u64>> {
        let request = self.request(sql, settings, blocks)?;
        let answer = self.answer(request);
        timeout(self.connection.insert_timeout, answer)
            .await
            .map_err(|elapsed| StoreError::Unavailable(Box::new(elapsed)))?
    }

    async fn answer(&self, request: Request<Blocks>) -> Result<Option<u64>> {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let status = response.status();
        let failed = !status.is_success() || response.headers().contains_key(EXCEPTION_CODE);
        let written = written_rows(&response);
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?
            .to_bytes();
        if failed {
            let text = String::from_utf8_lossy(&body).into_owned();
            return Err(error_from_server(Some(status.as_u16()), text, true));
        }
        Ok(written)
    }

    fn request(
        &self,
        sql: &str,
        settings: &[(&str, &str)],
        blocks: &[Bytes],
    ) -> Result<Request<Blocks>> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("database", &self.connection.database)
            .append_pair("query", sql)
            // The summary is complete only when the server has finished before it answers.
            .append_pair("wait_end_of_query", "1")
            .extend_pairs(settings);
        let body = Blocks::new(blocks);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .header(CONTENT_LENGTH, body.remaining);
        if let Some(user) = &self.connection.user {
            request = request.header("X-ClickHouse-User", user);
        }
        if let Some(password) = &self.connection.password {
            request = request.header("X-ClickHouse-Key", password);
        }
        request
            .body(body)
            .map_err(|error| StoreError::Refused(Box::new(error)))
    }
}

const EXCEPTION_CODE: &str = "X-ClickHouse-Exception-Code";

fn written_rows<B>(response: &Response<B>) -> Option<u64> {
    let header = response.headers().get("X-ClickHouse-Summary")?;
    let summary: Summary = serde_json::from_slice(header.as_bytes()).ok()?;
    summary.written_rows.parse().ok()
}

/// A body of blocks, one after another.
#[derive(Debug)]
struct Blocks {
    waiting: VecDeque<Bytes>,
    remaining: u64,
}

impl Blocks {
    fn new(blocks: &[Bytes]) -> Self {
        Self {
            waiting: blocks.iter().cloned().collect(),
            remaining: blocks.iter().map(|block| block.len() as u64).sum(),
        }
    }
}

impl Body for Blocks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let block = self.waiting.pop_front();
        if let Some(block) = &block {
            self.remaining -= block.len() as u64;
        }
        Poll::Ready(block.map(|block| Ok(Frame::data(block))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
