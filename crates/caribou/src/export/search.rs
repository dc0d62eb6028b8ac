//! The search for what a destination refuses among what it would take.

/// Decides how long to go on parting a refused request.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Spans of the whole request.
    spans: u64,
    refusals: u32,
    found_takers: bool,
    /// Everything is refused, for this reason.
    hopeless: Option<String>,
}

impl Search {
    pub(super) fn taken(&mut self) {
        self.found_takers = true;
    }

    /// Whether to part a request of so many spans that was refused. Where nothing was taken on the way down to a single
    /// span and up again, the reason lies in no span.
    pub(super) fn goes_on(&mut self, spans: u64, reason: &str) -> bool {
        self.spans = self.spans.max(spans);
        self.refusals += 1;
        let enough = 2 * (64 - self.spans.leading_zeros()) + 2;
        if !self.found_takers && self.refusals > enough {
            self.hopeless = Some(reason.to_owned());
        }
        self.hopeless.is_none()
    }

    /// The reason why nothing of what is left needs to be tried.
    pub(super) fn verdict(&self) -> Option<String> {
        self.hopeless.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_takes_nothing_is_not_asked_about_every_span() {
        let mut search = Search::default();
        let asked = (0..10_000)
            .take_while(|_| search.goes_on(512, "no such project"))
            .count();
        assert!(asked < 30, "{asked}");
        assert_eq!(search.verdict().as_deref(), Some("no such project"));
    }

    #[test]
    fn one_that_takes_some_is_asked_to_the_end() {
        let mut search = Search::default();
        search.taken();
        assert!((0..10_000).all(|_| search.goes_on(512, "bad span")));
    }
}
