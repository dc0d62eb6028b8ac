//! What a request asks for, apart from its statement.

use std::time::Duration;

use super::connection::Param;
use super::database::Setting;
use super::error::{ServerError, code};
use crate::http::encoding::Encoding;
use crate::http::head::Head;
use crate::http::multipart;
use crate::sql;

const DEFAULT_SESSION_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_SESSION_TIMEOUT: Duration = Duration::from_secs(3600);

/// A session that the request belongs to.
#[derive(Debug, Clone)]
pub(super) struct SessionRequest {
    pub(super) id: String,
    pub(super) timeout: Duration,
    /// Whether the session has to exist already.
    pub(super) must_exist: bool,
}

/// The parameters and headers of a request, sorted by what they are for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) query: String,
    pub(super) query_id: String,
    pub(super) database: Option<String>,
    pub(super) default_format: Option<String>,
    pub(super) session: Option<SessionRequest>,
    pub(super) settings: Vec<Setting>,
    pub(super) params: Vec<Param>,
    pub(super) encoding: Encoding,
    pub(super) content_encoding: Option<String>,
    /// Set when the body is a form with more parameters.
    pub(super) form_boundary: Option<String>,
    /// The body is in ClickHouse's own compression framing.
    pub(super) in_blocks: bool,
    pub(super) wait_for_end: bool,
    /// Requests by `GET` change nothing, as with ClickHouse.
    pub(super) only_reads: bool,
}

impl Request {
    pub(super) fn from_head(
        head: &Head,
        new_query_id: impl FnOnce() -> String,
    ) -> Result<Self, ServerError> {
        let mut request = Self {
            query: String::new(),
            query_id: String::new(),
            database: head.header("x-clickhouse-database").map(str::to_owned),
            default_format: head.header("x-clickhouse-format").map(str::to_owned),
            session: session(head)?,
            settings: Vec::new(),
            params: Vec::new(),
            encoding: encoding(head),
            content_encoding: head.header("content-encoding").map(str::to_owned),
            form_boundary: head
                .header("content-type")
                .and_then(multipart::boundary)
                .map(str::to_owned),
            in_blocks: flag(head, "decompress"),
            wait_for_end: flag(head, "wait_end_of_query") || flag(head, "http_wait_end_of_query"),
            only_reads: head.method != "POST",
        };
        request.take_all(&head.params)?;
        if request.query_id.is_empty() {
            request.query_id = new_query_id();
        }
        Ok(request)
    }

    pub(super) fn asks_for_extremes(&self) -> bool {
        self.settings
            .iter()
            .any(|(name, value)| name == "extremes" && matches!(value.as_str(), "1" | "true"))
    }

    /// Takes parameters from the URL, or from a form.
    pub(super) fn take_all(&mut self, params: &[(String, String)]) -> Result<(), ServerError> {
        params
            .iter()
            .try_for_each(|(name, value)| self.take(name, value))
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ServerError> {
        let value = value.to_owned();
        match name {
            "query" => self.query.push_str(&value),
            "query_id" => self.query_id = value,
            "database" => self.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => self.default_format = Some(value).filter(|name| !name.is_empty()),
            "role" => {
                let message = format!("There is no role `{value}` in the embedded engine");
                return Err(ServerError::new(
                    code::UNKNOWN_ROLE,
                    "UNKNOWN_ROLE",
                    &message,
                ));
            }
            // Read from the head where they are needed, or without a meaning here.
            "user"
            | "password"
            | "quota_key"
            | "compress"
            | "decompress"
            | "wait_end_of_query"
            | "buffer_size"
            | "session_id"
            | "session_timeout"
            | "session_check"
            | "close_session"
            | "client_protocol_version"
            | "stacktrace" => {}
            name => match name.strip_prefix("param_") {
                Some(param) => self.params.push((param.to_owned(), value)),
                None if sql::is_refused_setting(name) => {
                    let message =
                        format!("{name} is not allowed: settings that name files cannot be set");
                    return Err(ServerError::new(
                        code::ACCESS_DENIED,
                        "ACCESS_DENIED",
                        &message,
                    ));
                }
                None => self.settings.push((name.to_owned(), value)),
            },
        }
        Ok(())
    }
}

fn flag(head: &Head, name: &str) -> bool {
    head.param(name)
        .is_some_and(|value| matches!(value, "1" | "true"))
}

fn encoding(head: &Head) -> Encoding {
    if flag(head, "compress") {
        return Encoding::Blocks;
    }
    let wanted = head
        .param("enable_http_compression")
        .is_none_or(|value| matches!(value, "1" | "true"));
    let accepted = head.header("accept-encoding").filter(|_| wanted);
    accepted.map_or(Encoding::Plain, Encoding::accepted)
}

fn session(head: &Head) -> Result<Option<SessionRequest>, ServerError> {
    let Some(id) = head.param("session_id").filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let invalid = |message: &str| {
        ServerError::new(
            code::INVALID_SESSION_TIMEOUT,
            "INVALID_SESSION_TIMEOUT",
            message,
        )
    };
    let timeout = match head.param("session_timeout") {
        None => DEFAULT_SESSION_TIMEOUT,
        Some(text) => text
            .parse()
            .map(Duration::from_secs)
            .map_err(|_not_a_number| invalid("Invalid session timeout"))?,
    };
    if timeout > MAX_SESSION_TIMEOUT {
        return Err(invalid(
            "Session timeout is larger than max_session_timeout: 3600",
        ));
    }
    Ok(Some(SessionRequest {
        id: id.to_owned(),
        timeout,
        must_exist: flag(head, "session_check"),
    }))
}
