//! The current rollout of a thread or future.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::segment::{Failure, Left};
use crate::{Recorder, Scope};

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// The scope that this thread logs to now, if any; hand it to another thread to log into the same rollout there.
///
/// ```
/// use caribou::{Event, Meta, Phase};
///
/// let rollout = caribou::trace_run(Meta::new("req_1", Phase::Eval));
/// let scope = caribou::current().expect("a rollout is open");
/// std::thread::spawn(move || {
///     let _here = scope.enter();
///     caribou::log(Event::new("from_another_thread"));
/// })
/// .join()
/// .expect("nothing panics");
/// # drop(rollout);
/// assert!(caribou::current().is_none());
/// ```
pub fn current() -> Option<Scope> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(Scope::nearest_open).cloned())
}

fn replace(scope: Option<Scope>) -> Option<Scope> {
    CURRENT.replace(scope)
}

/// Makes a scope current on this thread while it lives.
#[must_use = "the scope is current only while this lives"]
pub struct Entered {
    scope: Option<Scope>,
    former: Option<Scope>,
    on_this_thread: PhantomData<*const ()>,
}

impl Entered {
    fn new(scope: Option<Scope>) -> Self {
        let former = CURRENT.with_borrow(Clone::clone);
        if scope.is_some() {
            replace(scope.clone());
        }
        Self {
            scope,
            former,
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let Some(scope) = &self.scope else { return };
        let innermost =
            CURRENT.with_borrow(|current| current.as_ref().is_some_and(|it| it.is_same(scope)));
        // Guards may be dropped in any order; what was entered later stays current until it is dropped itself.
        if innermost {
            replace(self.former.take());
        } else {
            scope.abandon();
        }
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entered")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl Scope {
    /// Makes this scope current on this thread while the guard lives. It does not end the rollout.
    pub fn enter(&self) -> Entered {
        Entered::new(Some(self.clone()))
    }

    /// Makes this scope current wherever a future runs. It does not end the rollout.
    pub fn carry<F: Future>(&self, future: F) -> Carried<F> {
        Carried {
            inside: Some(self.clone()),
            future: Some(Box::pin(future)),
        }
    }
}

/// A future for which a scope is current, on whatever thread it runs.
#[must_use = "futures do nothing unless awaited"]
pub struct Carried<F> {
    /// What is current within the future, groups that it holds open included.
    inside: Option<Scope>,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let future = this
            .future
            .as_mut()
            .expect("the future is only taken when this is dropped");
        let inside = Within::enter(&mut this.inside);
        let polled = future.as_mut().poll(context);
        drop(inside);
        polled
    }
}

impl<F> Drop for Carried<F> {
    fn drop(&mut self) {
        // What the future still holds open is closed while its own scope is current.
        let inside = Within::enter(&mut self.inside);
        self.future = None;
        drop(inside);
    }
}

impl<F> fmt::Debug for Carried<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Carried")
            .field("inside", &self.inside)
            .finish_non_exhaustive()
    }
}

/// Swaps what is current within a future with what is current around it; swaps back when dropped, a panic included.
struct Within<'a> {
    inside: &'a mut Option<Scope>,
    around: Option<Scope>,
}

impl<'a> Within<'a> {
    fn enter(inside: &'a mut Option<Scope>) -> Self {
        let around = replace(inside.take());
        Self { inside, around }
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        *self.inside = replace(self.around.take());
    }
}

/// An open rollout or group, current on this thread. Dropping it ends it.
///
/// A rollout that ends without a status is completed; after a panic it is an error. For futures see [`Open::scope`].
#[must_use = "it ends when this is dropped: bind it to a name that lives as long as the work"]
#[derive(Debug)]
pub struct Open {
    scope: Option<Scope>,
    entered: Option<Entered>,
}

impl Open {
    pub(crate) fn new(scope: Option<Scope>) -> Self {
        Self {
            entered: Some(Entered::new(scope.clone())),
            scope,
        }
    }

    /// The id of the rollout: as given, else 32 hex digits. Empty where nothing was opened.
    pub fn trace_id(&self) -> &str {
        self.scope.as_ref().map_or("", Scope::trace_id)
    }

    /// The scope, to log to from elsewhere; `None` where nothing was opened.
    pub fn handle(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// Runs a future within, on whatever threads it is polled; ends when the future does. A future that is dropped
    /// before its end makes the rollout aborted.
    ///
    /// ```
    /// use caribou::{Message, Meta, Phase};
    ///
    /// async fn agent() -> u32 {
    ///     caribou::log(Message::new("user", "Hello"));
    ///     42
    /// }
    ///
    /// # async fn run() {
    /// let answer = caribou::trace_run(Meta::new("req_1", Phase::Eval)).scope(agent()).await;
    /// assert_eq!(answer, 42);
    /// # }
    /// ```
    pub fn scope<F: Future>(mut self, future: F) -> Scoped<F> {
        self.entered = None;
        let scope = self.scope.take();
        Scoped {
            carried: Carried {
                inside: scope.clone(),
                future: Some(Box::pin(future)),
            },
            scope,
        }
    }

    /// Like [`Open::scope`] for a future that may fail: its error is recorded, and makes the rollout an error.
    ///
    /// # Errors
    /// Those of the future.
    pub async fn try_scope<T, E: fmt::Display>(
        self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let scope = self.scope.clone();
        self.scope(async move {
            let result = future.await;
            if let (Err(error), Some(scope)) = (&result, &scope) {
                scope.leave(&Left::WithError(Failure {
                    error_type: std::any::type_name::<E>().to_owned(),
                    message: error.to_string(),
                    traceback: None,
                }));
            }
            result
        })
        .await
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.entered = None;
        if let Some(scope) = self.scope.take() {
            scope.leave(&left_now(false));
        }
    }
}

/// A future that runs within a rollout or group and ends it.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Scoped<F> {
    carried: Carried<F>,
    scope: Option<Scope>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.carried).poll(context);
        if polled.is_ready()
            && let Some(scope) = this.scope.take()
        {
            scope.leave(&Left::Normally);
        }
        polled
    }
}

impl<F> Drop for Scoped<F> {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            scope.leave(&left_now(true));
        }
    }
}

/// How something is left that is being dropped, before its end or at it.
fn left_now(before_end: bool) -> Left {
    let failure = |error_type: &str, message: &str| Failure {
        error_type: error_type.to_owned(),
        message: message.to_owned(),
        traceback: None,
    };
    if std::thread::panicking() {
        Left::WithError(failure("panic", "the thread panicked"))
    } else if before_end {
        Left::Stopped(failure("Dropped", "the future was dropped before its end"))
    } else {
        Left::Normally
    }
}

impl Recorder {
    /// The span of the application's own OpenTelemetry provider that is active now.
    pub(crate) fn active_span() -> Option<opentelemetry::trace::SpanContext> {
        use opentelemetry::trace::TraceContextExt;
        let context = opentelemetry::Context::current();
        let active = context.span().span_context().clone();
        active.is_valid().then_some(active)
    }
}
