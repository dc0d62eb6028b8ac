//! The one error of the HTTP API: what the client is told, and what only the log gets.

use std::error::Error as StdError;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caribou_clickhouse::StoreError;
use caribou_images::without_request;
use caribou_model::api::{ErrorBody, ErrorDetail};

/// Stable name of an error; part of the contract with clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// The route does not exist.
    UnknownRoute,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// A query parameter has a name that the route does not know.
    UnknownParameter,
    /// A query parameter has a value that cannot be read.
    InvalidParameter,
    /// The body cannot be read.
    InvalidBody,
    /// The body's type is none that the route takes.
    UnsupportedMediaType,
    /// The body's compression is none that the route takes.
    UnsupportedEncoding,
    /// The body is larger than is taken.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// No such trace.
    TraceNotFound,
    /// No such span in the trace.
    SpanNotFound,
    /// No such image, or none that the project has stored.
    ImageNotFound,
    /// The request did not come from this machine, or does not look like it.
    NotLocal,
    /// Too much is in memory; later it will not be.
    Overloaded,
    /// The store does not answer.
    StoreUnavailable,
    /// The query takes longer or more memory than it may.
    QueryTooExpensive,
    /// A fault of the server.
    Internal,
}

impl ErrorCode {
    /// The name on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownRoute => "unknown_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnknownParameter => "unknown_parameter",
            Self::InvalidParameter => "invalid_parameter",
            Self::InvalidBody => "invalid_body",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::TraceNotFound => "trace_not_found",
            Self::SpanNotFound => "span_not_found",
            Self::ImageNotFound => "image_not_found",
            Self::NotLocal => "not_local",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store_unavailable",
            Self::QueryTooExpensive => "query_too_expensive",
            Self::Internal => "internal_error",
        }
    }

    /// The status that goes with it.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::UnknownRoute | Self::TraceNotFound | Self::SpanNotFound | Self::ImageNotFound => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownParameter
            | Self::InvalidParameter
            | Self::InvalidBody
            | Self::QueryTooExpensive => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotLocal => StatusCode::FORBIDDEN,
            Self::Overloaded | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The class of errors it belongs to.
    const fn error_type(self) -> &'static str {
        match self {
            Self::UnknownRoute | Self::TraceNotFound | Self::SpanNotFound | Self::ImageNotFound => {
                "not_found"
            }
            Self::BodyTooLarge => "too_large",
            Self::NotLocal => "forbidden",
            Self::Overloaded | Self::StoreUnavailable => "unavailable",
            Self::Internal => "internal_error",
            Self::MethodNotAllowed
            | Self::UnknownParameter
            | Self::InvalidParameter
            | Self::InvalidBody
            | Self::UnsupportedMediaType
            | Self::UnsupportedEncoding
            | Self::BodyTimeout
            | Self::QueryTooExpensive => "invalid_request",
        }
    }
}

/// An error on its way to a client.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    /// Its stable name, from which the status follows.
    pub(crate) code: ErrorCode,
    /// What the client is told.
    pub(crate) message: String,
    /// What the client is never told.
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How long a client is asked to wait before it tries again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

impl ApiError {
    /// An error that the client can understand without more.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    /// Attaches the cause, for the log.
    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A fault of the server.
    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(
            ErrorCode::Internal,
            "something went wrong inside the server; its log says more",
        )
        .with_source(source)
    }

    /// Writes the cause to the log: where the error is handled, and only there.
    pub(crate) fn log(&self) {
        let Some(source) = &self.source else {
            return;
        };
        let code = self.code.as_str();
        if self.code.status().is_server_error() {
            tracing::error!(code, cause = chain(source.as_ref()), "{}", self.message);
        } else {
            tracing::debug!(code, cause = chain(source.as_ref()), "{}", self.message);
        }
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> ErrorBody {
        ErrorBody {
            error: ErrorDetail {
                message: self.message.clone(),
                error_type: self.code.error_type().to_owned(),
                code: self.code.as_str().to_owned(),
            },
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidQuery(message) => Self::new(ErrorCode::InvalidParameter, message),
            StoreError::LimitExceeded(_) => Self::new(
                ErrorCode::QueryTooExpensive,
                "the query took too much time or memory; narrow it down",
            )
            .with_source(error),
            StoreError::Unavailable(_) => Self::new(
                ErrorCode::StoreUnavailable,
                "the store does not answer at the moment; try again",
            )
            .with_source(error),
            other => Self::internal(other),
        }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = without_request(&error.to_string()).to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(without_request(&error.to_string()));
        cause = error.source();
    }
    text
}

/// What lies at the bottom of an error, where what is above it only repeats what was being done.
pub(crate) fn root_cause<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let mut response = (self.code.status(), Json(self.body())).into_response();
        set_retry_after(&mut response);
        response
    }
}

/// Tells clients when to come back, on the answers after which they do.
pub(crate) fn set_retry_after(response: &mut Response) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(RETRY_AFTER.as_secs());
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bucket_repeats_of_a_request_is_left_out_of_a_chain() {
        let answer =
            "<Code>SignatureDoesNotMatch</Code><CanonicalRequest>x-amz-security-token:hidden";
        let error = object_store::Error::Generic {
            store: "S3",
            source: std::io::Error::other(answer).into(),
        };
        let text = chain(&error);
        assert!(text.contains("SignatureDoesNotMatch"), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }
}
