//! Delivering what programs have left in a spool because a person asked for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use caribou_spool::{
    DestinationIdentity, DestinationReport, FileState, account_from_headers, inspect,
};

use super::backoff::Backoff;
use super::deliver::Courier;
use super::drain::Draining;
use super::langfuse::{ROLLOUTS, SCORES};
use super::outbox::Outbox;
use super::shelf::{Shelf, SpoolSlot};
use super::target::Target;
use crate::config::Config;
use crate::environment::{self as variable, Environment};
use crate::ids::Ids;
use crate::notice::Notices;
use crate::settings::{OtlpTarget, Settings, SpoolSettings, certificates_notice, speaks_tls};
use crate::{ConfigureError, Secret};

/// Delivers what waits in a spool's folder, as the program that recorded it would have done.
///
/// Keys and passwords come from the same environment variables as a program's; where to, the folder says.
#[derive(Clone, Debug)]
pub struct SpoolDrain {
    directory: PathBuf,
    to: Option<String>,
    timeout: Duration,
}

/// What became of what waited for one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// `kestrel`, `clickhouse` or `langfuse`.
    pub kind: String,
    /// Its address.
    pub url: String,
    /// Spans that it took.
    pub delivered: u64,
    /// What it refused for good; kept under `set-aside/`.
    pub refused: u64,
    /// What stays.
    pub left: u64,
    /// Why, and what to do about it.
    pub reason: Option<String>,
    /// Where.
    pub folder: PathBuf,
}

/// The folders of one destination, the spool's own first.
struct Waiting {
    identity: DestinationIdentity,
    folder: PathBuf,
    records: u64,
    /// A living program has all of it.
    is_held: bool,
}

/// What one thread has to say.
enum News {
    Told(String),
    Done,
}

impl SpoolDrain {
    /// For a folder; tries again for up to five minutes where a server is busy or away.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            to: None,
            timeout: Duration::from_secs(300),
        }
    }

    /// Delivers what waits for any Kestrel to this one.
    #[must_use]
    pub fn with_kestrel(mut self, url: impl Into<String>) -> Self {
        self.to = Some(url.into());
        self
    }

    /// Bounds how long is tried in all.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Delivers, each destination beside the others; `say` hears what happens. What is interrupted in the middle stays
    /// for the next time.
    ///
    /// # Errors
    /// When a variable in the environment cannot be used, or the folder cannot be read.
    pub fn run(
        &self,
        environment: &dyn Environment,
        say: &mut dyn FnMut(&str),
    ) -> Result<Vec<Drained>, DrainError> {
        let deadline = Instant::now() + self.timeout;
        let mut drained = Vec::new();
        let mut runs = Vec::new();
        let found = waiting(&self.directory)?;
        let addresses = found.values().map(|waiting| &*waiting.identity.url);
        if addresses.chain(self.to.as_deref()).any(speaks_tls)
            && let Some(notice) = certificates_notice(environment)
        {
            say(&notice);
        }
        for waiting in found.into_values() {
            if waiting.records == 0 {
                continue;
            }
            match self.target(&waiting.identity, environment)? {
                Ok(target) => runs.push(Run::start(&self.directory, waiting, &target, deadline)),
                Err(reason) => drained.push(Drained {
                    kind: waiting.identity.kind,
                    url: waiting.identity.url,
                    delivered: 0,
                    refused: 0,
                    left: waiting.records,
                    reason: Some(reason),
                    folder: waiting.folder,
                }),
            }
        }
        follow(&runs, say);
        let ended: Vec<_> = runs.into_iter().map(Run::end).collect();
        // Once everything is let go of, the folder says what is left.
        let mut left = waiting(&self.directory)?;
        for (key, mut of_one) in ended {
            if let Some(left) = left.remove(&key) {
                of_one.left = left.records;
                if left.is_held {
                    of_one.reason = Some(
                        "a running program has it, and delivers it itself or leaves it when it ends"
                            .to_owned(),
                    );
                }
            }
            drained.push(of_one);
        }
        Ok(drained)
    }

    /// Where what waits for a destination is sent; else what is missing.
    fn target(
        &self,
        identity: &DestinationIdentity,
        environment: &dyn Environment,
    ) -> Result<Result<Target, String>, ConfigureError> {
        match identity.kind.as_str() {
            "kestrel" => self.kestrel(identity, environment),
            "clickhouse" => clickhouse(identity, environment),
            "langfuse" => langfuse(identity, environment),
            kind => Ok(Err(format!(
                "this version knows no destination {kind:?}; use the version that recorded it, or a newer one"
            ))),
        }
    }

    fn kestrel(
        &self,
        identity: &DestinationIdentity,
        environment: &dyn Environment,
    ) -> Result<Result<Target, String>, ConfigureError> {
        let settings = Config::new().resolve(environment)?;
        let bearer: Vec<(String, Secret)> = settings
            .kestrel
            .api_key
            .iter()
            .map(|key| {
                let bearer = format!("Bearer {}", key.expose());
                ("Authorization".to_owned(), bearer.into())
            })
            .collect();
        let target = |url: &str, headers: Vec<(String, Secret)>| {
            Target::Otlp(OtlpTarget {
                url: url.to_owned(),
                headers,
                ..settings.otlp.clone()
            })
        };
        if let Some(to) = &self.to {
            let url = format!("{}/v1/traces", to.trim_end_matches('/'));
            return Ok(Ok(target(&url, bearer)));
        }
        let account = |headers: &[(String, Secret)]| {
            account_from_headers(
                headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.expose())),
            )
        };
        let known = [bearer, settings.otlp.headers.clone(), Vec::new()];
        let headers = known
            .into_iter()
            .find(|headers| account(headers) == identity.account);
        Ok(headers
            .map(|headers| target(&identity.url, headers))
            .ok_or_else(|| {
                "it waits for another account; set KESTREL_API_KEY to the key of the program that recorded it, or say \
                 where to with --to URL"
                    .to_owned()
            }))
    }
}

/// What keeps a spool from being drained at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// A variable in the environment cannot be used.
    #[error(transparent)]
    Configure(#[from] ConfigureError),
    /// The folder cannot be used.
    #[error(transparent)]
    Spool(#[from] caribou_spool::SpoolError),
}

/// Variables that the folder decides, before those of the environment.
struct Overlay<'a> {
    decided: BTreeMap<&'static str, String>,
    others: &'a dyn Environment,
}

impl Environment for Overlay<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.decided
            .get(name)
            .cloned()
            .or_else(|| self.others.get(name))
    }
}

fn clickhouse(
    identity: &DestinationIdentity,
    environment: &dyn Environment,
) -> Result<Result<Target, String>, ConfigureError> {
    let (user, database) = identity
        .account
        .rsplit_once('@')
        .unwrap_or(("", &identity.account));
    let mut decided = BTreeMap::from([(variable::CLICKHOUSE_DATABASE, database.to_owned())]);
    // The address that is set may say more, such as a path of a proxy.
    if environment.non_empty(variable::CLICKHOUSE_URL).is_none() {
        decided.insert(variable::CLICKHOUSE_URL, identity.url.clone());
    }
    let found = found(identity, decided, environment)?;
    Ok(found.ok_or_else(|| {
        let user = if user.is_empty() {
            "unset CLICKHOUSE_USER".to_owned()
        } else {
            format!("set CLICKHOUSE_USER={user} and CLICKHOUSE_PASSWORD")
        };
        format!(
            "it waits for another ClickHouse or user than the environment names; {user} and set CLICKHOUSE_URL={}",
            identity.url
        )
    }))
}

fn langfuse(
    identity: &DestinationIdentity,
    environment: &dyn Environment,
) -> Result<Result<Target, String>, ConfigureError> {
    let mut decided = BTreeMap::from([(variable::LANGFUSE_HOST, identity.url.clone())]);
    if environment
        .non_empty(variable::LANGFUSE_PUBLIC_KEY)
        .is_none()
    {
        decided.insert(variable::LANGFUSE_PUBLIC_KEY, identity.account.clone());
    }
    let found = found(identity, decided, environment)?;
    Ok(found.ok_or_else(|| {
        format!(
            "it waits for the Langfuse project of {}; set LANGFUSE_PUBLIC_KEY to that and LANGFUSE_SECRET_KEY to the \
             key that belongs to it",
            identity.account
        )
    }))
}

/// The destination of this identity among those that the variables name.
fn found(
    identity: &DestinationIdentity,
    decided: BTreeMap<&'static str, String>,
    environment: &dyn Environment,
) -> Result<Option<Target>, ConfigureError> {
    let environment = Overlay {
        decided,
        others: environment,
    };
    let settings: Settings = Config::new().resolve(&environment)?;
    Ok(Target::all(&settings)
        .into_iter()
        .find(|target| target.spool_identity().as_ref() == Some(identity)))
}

/// What lies in a folder, by destination: address and account.
fn waiting(directory: &Path) -> Result<BTreeMap<Vec<String>, Waiting>, DrainError> {
    let mut all: BTreeMap<Vec<String>, Waiting> = BTreeMap::new();
    for report in inspect(directory)?.destinations {
        let Some(identity) = &report.identity else {
            continue;
        };
        let kind = if [ROLLOUTS, SCORES].contains(&identity.kind.as_str()) {
            "langfuse"
        } else {
            &identity.kind
        };
        let own = DestinationIdentity::new(kind, &identity.url, &*identity.account);
        let key = vec![own.kind.clone(), own.url.clone(), own.account.clone()];
        let entry = all.entry(key).or_insert_with(|| Waiting {
            identity: own,
            folder: report.directory.clone(),
            records: 0,
            is_held: true,
        });
        entry.add(&report);
    }
    Ok(all)
}

impl Waiting {
    fn add(&mut self, report: &DestinationReport) {
        if report.identity.as_ref() == Some(&self.identity) {
            self.folder.clone_from(&report.directory);
        }
        for file in report.files.iter().filter(|file| file.records > 0) {
            // It comes from the file's name, which may say anything.
            self.records = self.records.saturating_add(file.records);
            self.is_held &= file.state != FileState::Waiting;
        }
    }
}

/// One destination on its way.
struct Run {
    waiting: Waiting,
    outbox: Arc<Outbox>,
    slot: SpoolSlot,
    news: Receiver<News>,
    failed: Option<String>,
}

impl Run {
    fn start(directory: &Path, waiting: Waiting, target: &Target, deadline: Instant) -> Self {
        let (sender, news) = channel();
        let mut run = Self {
            waiting,
            outbox: Arc::new(Outbox::new(target.name())),
            slot: SpoolSlot::default(),
            news,
            failed: None,
        };
        let settings = SpoolSettings {
            directory: Some(directory.to_owned()),
            max_bytes: u64::MAX,
        };
        let opened = Shelf::open(&settings, &run.waiting.identity, &[], false, &run.slot);
        let shelf = match opened {
            // Langfuse takes what belongs together from one program only.
            Ok(shelf) if matches!(target, Target::Langfuse(_)) => shelf,
            Ok(shelf) => shelf.reaching_living(),
            Err(error) => {
                run.failed = Some(error.to_string());
                return run;
            }
        };
        run.outbox.shelf_opened(Some(Arc::new(shelf)));
        run.outbox.complete();
        run.outbox.close(deadline);
        let sender = Mutex::new(sender);
        let tell = {
            let sender = Arc::new(sender);
            move |news| {
                let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
                // Nobody listens any more once the program ends.
                sender.send(news).ok();
            }
        };
        let told = tell.clone();
        let notices = Arc::new(Notices::new(Arc::new(move |message: &str| {
            told(News::Told(message.to_owned()));
        })));
        let courier = Courier {
            outbox: Arc::clone(&run.outbox),
            destination: target.open(&[], &notices),
            resource: Vec::new(),
            notices,
            ids: Arc::new(Ids::new()),
            backoff: Backoff::default(),
            away: false,
            told_away: None,
            draining: Draining::default(),
            patient: true,
        };
        let thread = std::thread::Builder::new().name(format!("drain-{}", target.name()));
        let spawned = thread.spawn(move || {
            courier.run();
            tell(News::Done);
        });
        if let Err(error) = spawned {
            run.failed = Some(format!("no thread could be started: {error}"));
        }
        run
    }

    fn delivered(&self) -> u64 {
        self.outbox.counts().of_others.0
    }

    /// Lets go of the folder.
    fn end(self) -> (Vec<String>, Drained) {
        if let Some(shelf) = self.outbox.shelf() {
            self.outbox.shelf_closed(shelf.left());
        }
        self.slot.clear();
        let identity = self.waiting.identity;
        let counts = self.outbox.counts();
        let key = vec![
            identity.kind.clone(),
            identity.url.clone(),
            identity.account.clone(),
        ];
        let drained = Drained {
            kind: identity.kind,
            url: identity.url,
            delivered: counts.of_others.0,
            refused: counts.of_others.1 + counts.refused_beside,
            left: 0,
            reason: self.failed.or_else(|| self.outbox.last_failure()),
            folder: self.waiting.folder,
        };
        (key, drained)
    }
}

/// Waits until all have done their last, and tells what they say and how far they are.
fn follow(runs: &[Run], say: &mut dyn FnMut(&str)) {
    const STEP: Duration = Duration::from_millis(100);
    const TELL_PROGRESS_AFTER: Duration = Duration::from_secs(2);
    let mut told: Vec<(Instant, u64)> = vec![(Instant::now(), 0); runs.len()];
    let mut running: Vec<usize> = (0..runs.len())
        .filter(|index| runs[*index].failed.is_none())
        .collect();
    while !running.is_empty() {
        running.retain(|&index| {
            let run = &runs[index];
            let goes_on = loop {
                match run.news.recv_timeout(STEP) {
                    Ok(News::Told(message)) => say(&message),
                    Ok(News::Done) | Err(RecvTimeoutError::Disconnected) => break false,
                    Err(RecvTimeoutError::Timeout) => break true,
                }
            };
            let delivered = run.delivered();
            let (told_at, told_count) = &mut told[index];
            if goes_on && delivered > *told_count && told_at.elapsed() > TELL_PROGRESS_AFTER {
                (*told_at, *told_count) = (Instant::now(), delivered);
                let identity = &run.waiting.identity;
                say(&format!(
                    "{}: {delivered} of {} spans delivered",
                    identity.url, run.waiting.records
                ));
            }
            goes_on
        });
    }
}
