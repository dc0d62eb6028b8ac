//! `kestrel spool drain`: the recorder's own delivery, called by hand.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use caribou::{Drained, SpoolDrain};

use crate::settings::Environment;

/// Delivers everything in a folder, for as long as there is time.
pub(super) struct Drain<'a> {
    /// Kestrel to deliver to, instead of the one that the spans were meant for.
    pub(super) to: Option<&'a str>,
    pub(super) timeout: Duration,
    pub(super) environment: Environment<'a>,
    pub(super) say: &'a dyn Fn(&str),
}

/// The variables of this process as the recorder looks them up.
struct Variables<'a>(Environment<'a>);

impl caribou::environment::Environment for Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

impl Drain<'_> {
    /// False where something stays.
    pub(super) fn run(&self, directory: &Path) -> anyhow::Result<bool> {
        if !directory.exists() {
            (self.say)(&super::nothing_waits(directory));
            return Ok(true);
        }
        let mut drain = SpoolDrain::new(directory).with_timeout(self.timeout);
        if let Some(to) = self.to {
            drain = drain.with_kestrel(to);
        }
        let drained = drain
            .run(&Variables(self.environment), &mut |line| (self.say)(line))
            .with_context(|| format!("cannot drain the folder {}", directory.display()))?;
        if drained.is_empty() {
            (self.say)(&super::nothing_waits(directory));
        }
        for of_one in &drained {
            self.report(of_one);
        }
        Ok(drained.iter().all(|of_one| of_one.left == 0))
    }

    fn report(&self, of_one: &Drained) {
        let Drained {
            url,
            delivered,
            refused,
            left,
            ..
        } = of_one;
        (self.say)(&format!("{url}: {delivered} spans delivered"));
        if *refused > 0 {
            (self.say)(&format!(
                "{url}: {refused} were refused for good and are kept with the reason under set-aside; \
                 `kestrel spool list` shows them"
            ));
        }
        if *left > 0 {
            let reason = of_one
                .reason
                .as_deref()
                .unwrap_or("another program delivers them, or there was no time: look again, or give more with --timeout");
            (self.say)(&format!(
                "{url}: {left} spans stay in {}: {reason}",
                of_one.folder.display()
            ));
        }
    }
}
