//! Bounds on the answers that are in memory at once: those being made, and those that wait for their readers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::budget::{ByteBudget, Charge};
use crate::error::{ApiError, ErrorCode};

/// Bytes of all answers that wait for their readers.
const MAX_WAITING_BYTES: usize = 256 << 20;

/// Answers with content that are being made at once: each takes several times its size until it is written.
pub(crate) const MAX_LARGE_AT_ONCE: usize = 6;

/// Smaller answers fit into the buffers of a connection.
const SMALLEST_COUNTED_BYTES: u64 = 64 << 10;

/// Bytes handed to a connection at once.
const PIECE_BYTES: usize = 64 << 10;

/// What answers may take.
pub(crate) fn budget() -> Arc<ByteBudget> {
    ByteBudget::new(MAX_WAITING_BYTES)
}

/// Counts an answer for as long as its reader takes; with too many of them waiting, there is none.
pub(crate) async fn count(
    State(budget): State<Arc<ByteBudget>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let size = response.body().size_hint().exact().unwrap_or(0);
    if size < SMALLEST_COUNTED_BYTES {
        return response;
    }
    let mut charge = budget.open();
    let counted = usize::try_from(size).map(|bytes| charge.grow(bytes));
    if !matches!(counted, Ok(Ok(()))) {
        let message =
            "too many answers wait for readers that do not take them; try again in a moment";
        return ApiError::new(ErrorCode::Overloaded, message).into_response();
    }
    response.map(|body| {
        Body::new(InPieces {
            body,
            waiting: Bytes::new(),
            _charge: charge,
        })
    })
}

/// A body that is handed over in pieces. Handed over whole it would be gone from here, and counted no more, while the
/// connection still holds it.
struct InPieces {
    body: Body,
    waiting: Bytes,
    _charge: Charge,
}

impl HttpBody for InPieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.waiting.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.waiting = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.waiting.len().min(PIECE_BYTES);
        let piece = self.waiting.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let waiting = self.waiting.len() as u64;
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(waiting + rest),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    const LARGE: usize = 300_000;

    fn router(budget_bytes: usize) -> Router {
        Router::new()
            .route("/large", get(|| async { vec![b'x'; LARGE] }))
            .route("/small", get(|| async { "small" }))
            .layer(from_fn_with_state(ByteBudget::new(budget_bytes), count))
    }

    async fn ask(router: &Router, path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn answers_that_nobody_takes_leave_no_room_for_more_until_they_are_dropped() {
        let router = router(LARGE + LARGE / 2);
        let waiting = ask(&router, "/large").await;
        assert_eq!(waiting.status(), StatusCode::OK);
        let refused = ask(&router, "/large").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(ask(&router, "/small").await.status(), StatusCode::OK);
        drop(waiting);
        assert_eq!(ask(&router, "/large").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_answer_counts_until_its_last_piece_is_taken_and_arrives_whole() {
        let router = router(LARGE + LARGE / 2);
        let mut body = ask(&router, "/large").await.into_body();
        assert_eq!(body.size_hint().exact(), Some(LARGE as u64));
        let mut taken = 0;
        while taken < LARGE {
            assert_eq!(
                ask(&router, "/large").await.status(),
                StatusCode::SERVICE_UNAVAILABLE
            );
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.iter().all(|byte| *byte == b'x'));
            taken += piece.len();
        }
        assert_eq!(taken, LARGE);
        drop(body);
        assert_eq!(ask(&router, "/large").await.status(), StatusCode::OK);
    }
}
